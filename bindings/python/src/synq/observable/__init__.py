"""Lists and dicts that are part of a channel's assigns. Each change of one is an edit at its JSON Pointer, so
that a flip deep in a long list costs the flip.

The data is kept twice: here as plain dicts and lists, where reading is as fast as Python, and in the library,
where it is compared and sent. A write goes to the library first, and is made here when it was accepted there.

None of these classes inherits from list or dict: C code such as heapq changes subclasses of list behind their
methods, and a change that nobody sees is the very thing that must not be.
"""

from .assigns import Assigns, begin_empty, forget, set_edits
from .dicts import ObservableDict
from .lists import ObservableList
from .node import Edits, untracked

__all__ = [
    "Assigns",
    "Edits",
    "ObservableDict",
    "ObservableList",
    "begin_empty",
    "forget",
    "set_edits",
    "untracked",
]
