"""The kinds of data. Each is a folder with the same rooms:

- ``settings.py``: its sections of a recipe; imports no torch
- ``sources.py``: where real samples come from; ``decode.py``: how files become stored ones
- ``networks.py``: generators and critics by name
- ``options.py``: what samples can be asked for by, such as a temperature; imports no torch
- ``domain.py``: the domain itself, of these
- ``presenter.py``: how samples are shown and written; ``picture.py``: what it draws
- ``ruler.py``: what samples are measured by; ``measures.py``, ``embedders.py``: its measures
"""
