"""Kernels of `airskills.rl` in Mojo 1.2; built by `mojo_kernels.py`, which hands over every buffer.

No memory is allocated here, so that the library needs nothing of Mojo's runtime.
"""

comptime Ids = Pointer[UInt32, ImmutAnyOrigin]
comptime Places = Pointer[Int64, ImmutAnyOrigin]
comptime Table = Pointer[UInt64, MutAnyOrigin]
comptime Scores = Pointer[Float64, MutAnyOrigin]
comptime GOLDEN: UInt64 = 0x9E3779B97F4A7C15  # Fibonacci hashing: multiply, keep the upper bits
comptime EPOCH_BITS = 10  # rows between two clearings of the table, as a power of two


@export
def unique_packed(
    ids: Ids, offsets: Places, rows: Int, n: Int, width: Int, table: Table, bits: Int, res: Scores
) abi("C"):
    """Count different n-grams, each one integer of `n * width` bits under the number of its row."""
    var size = 1 << bits
    var span = UInt64(n * width)
    var low = (UInt64(1) << span) - 1
    var down = UInt64(64 - bits)
    var wrap = UInt64(size - 1)
    var epoch: UInt64 = 0
    for i in range(rows):
        epoch += 1
        if epoch >> EPOCH_BITS != 0:
            for slot in range(size):
                table[unsafe_offset=slot] = 0
            epoch = 1
        var begin = Int(offsets[unsafe_offset=i])
        var end = Int(offsets[unsafe_offset=i + 1])
        var first = min(begin + n - 1, end)
        var gram: UInt64 = 0
        var base = epoch << span
        var unique = 0
        for at in range(begin, first):
            gram = ((gram << UInt64(width)) | UInt64(ids[unsafe_offset=at])) & low
        for at in range(first, end):
            gram = ((gram << UInt64(width)) | UInt64(ids[unsafe_offset=at])) & low
            var key = base | gram
            var slot = (key * GOLDEN) >> down
            var held = table[unsafe_offset=Int(slot)]
            while held >= base and held != key:
                slot = (slot + 1) & wrap
                held = table[unsafe_offset=Int(slot)]
            unique += Int(held != key)
            table[unsafe_offset=Int(slot)] = key
        res[unsafe_offset=i] = Float64(unique)


def slot_of(ids: Ids, at: Int, n: Int, table: Table, bits: Int) -> Int:
    """Slot that holds this n-gram, or the empty one where it belongs; a table holds positions + 1, 0 is empty."""
    var h = UInt64(n)
    for k in range(n):
        h = (h ^ UInt64(ids[unsafe_offset=at + k])) * GOLDEN
        h ^= h >> 29
    var slot = Int((h * GOLDEN) >> UInt64(64 - bits))
    while table[unsafe_offset=slot] != 0:
        var before = Int(table[unsafe_offset=slot]) - 1
        var same = 0
        while same < n and ids[unsafe_offset=before + same] == ids[unsafe_offset=at + same]:
            same += 1
        if same == n:
            break
        slot = (slot + 1) & ((1 << bits) - 1)
    return slot


@export
def unique_general(ids: Ids, offsets: Places, rows: Int, n: Int, table: Table, bits: Int, res: Scores) abi("C"):
    """Count different n-grams by position; any `n`, any ids."""
    for i in range(rows):
        for slot in range(1 << bits):
            table[unsafe_offset=slot] = 0
        var unique = 0
        for at in range(Int(offsets[unsafe_offset=i]), Int(offsets[unsafe_offset=i + 1]) - n + 1):
            var slot = slot_of(ids, at, n, table, bits)
            unique += Int(table[unsafe_offset=slot] == 0)
            table[unsafe_offset=slot] = UInt64(at + 1)
        res[unsafe_offset=i] = Float64(unique)


@export
def pattern_count(
    ids: Ids, offsets: Places, rows: Int, patterns: Ids, starts: Places, count: Int, res: Scores
) abi("C"):
    """Count the places at which any of the patterns begins, each pattern for itself."""
    for i in range(rows):
        var end = Int(offsets[unsafe_offset=i + 1])
        var found = 0
        for at in range(Int(offsets[unsafe_offset=i]), end):
            for p in range(count):
                var start = Int(starts[unsafe_offset=p])
                var length = Int(starts[unsafe_offset=p + 1]) - start
                var same = 0
                while (
                    same < length
                    and at + same < end
                    and ids[unsafe_offset=at + same] == patterns[unsafe_offset=start + same]
                ):
                    same += 1
                found += Int(same == length)
        res[unsafe_offset=i] = Float64(found)
