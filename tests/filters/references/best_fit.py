"""Best-fit decreasing, by looking at every bin for every length."""

from collections.abc import Sequence


def bins_of(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Return the places of the lengths in each bin, in the order in which bins and places came to be.

    The longest comes first, of equals the earlier; of bins with the least room, the one that came to it last is taken.
    """
    bins: list[list[int]] = []
    rooms: list[tuple[int, int]] = []
    for turn, place in enumerate(sorted(range(len(lengths)), key=lambda place: (-lengths[place], place))):
        length = lengths[place]
        fitting = [(room, -since, bin_) for bin_, (room, since) in enumerate(rooms) if room >= length]
        if fitting:
            room, _, chosen = min(fitting)
            bins[chosen].append(place)
            rooms[chosen] = (room - length, turn)
        else:
            bins.append([place])
            rooms.append((capacity - length, turn))
    return bins
