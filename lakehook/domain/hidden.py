"""What holds something secret, and shows nothing of itself."""

from typing import Any, NoReturn, Self


class Hidden:
    """It is neither printed nor pickled, and ``asdict`` and ``vars`` find nothing in it.

    A copy is the thing itself: there is one place in memory less to look for it.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is not to be written anywhere")
