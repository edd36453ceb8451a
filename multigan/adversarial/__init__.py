"""The adversarial core: objectives, penalties, the two phases of the game, EMA, schedules, health.

It imports torch and nothing else of multigan's, and knows no domain. A generator maps ``(noise,
condition)`` to a representation, a critic maps ``(representation, condition)`` to logits ``(N,
...)``; everything here follows from that one sentence. Reading order: ``objectives``,
``penalties``, ``losses``, ``player``, ``game``."""
