"""Which encoding a text is in."""

import pytest

from multigan.encodings import AS_UTF8, advice, as_text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_texts_are_read_in_every_form_that_says_what_it_is(encoding: str) -> None:
    assert as_text("die Katze schläft\n猫\n".encode(encoding)) == "die Katze schläft\n猫\n"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_without_a_mark_zeros_tell(encoding: str) -> None:
    assert as_text("the cat sleeps\n".encode(encoding)) == "the cat sleeps\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("他是一个人，在大地上来了。", "GB18030"),
        ("他是一個人，在大地上來了。", "BIG5"),
        ("これは猫です。とてもかわいい。", "SHIFT_JIS"),
        ("이것은 고양이다. 나는 집에 가는 길이다.", "EUC-KR"),
    ],
)
@pytest.mark.parametrize("cut", [0, 1])
def test_the_likely_encoding_is_advised(text: str, encoding: str, cut: int) -> None:
    content = (text * 50).encode(encoding)
    said = advice(content[: len(content) - cut], "my novel.txt")
    assert said.endswith(f"iconv -f {encoding} -t UTF-8 'my novel.txt' > utf8-'my novel.txt'")


def test_of_europe_and_of_noise_all_are_named() -> None:
    assert advice("Füße und Öl, naïve\n".encode("cp1252") * 20, "a.txt") == AS_UTF8
    assert advice(bytes(range(256)) * 20, "a.txt") == AS_UTF8
