"""What a program for Python does; nothing of it depends on time, chance or locale."""
import bisect, decimal, fractions, hashlib, heapq, json, math, random, re, struct, unicodedata, zlib


def digest(data):
    return hashlib.sha256(data if isinstance(data, bytes) else str(data).encode()).hexdigest()[:16]


random.seed(12345)
numbers = [random.random() for _ in range(60000)]
print("sorted", digest(sorted(numbers)))
print("sums", math.fsum(numbers), sum(numbers))
print("power", digest(pow(7, 20011) % 10**300), pow(3, 10**40, 2**127 - 1))
decimal.getcontext().prec = 120
print("root", decimal.Decimal(2).sqrt())
print("harmonic", sum(fractions.Fraction(1, n) for n in range(1, 80)))
queens = [0]


def place(n, columns, rising, falling, row):
    if row == n:
        queens[0] += 1
        return
    for c in range(n):
        if not (columns >> c & 1 or rising >> (row + c) & 1 or falling >> (row - c + n) & 1):
            place(n, columns | 1 << c, rising | 1 << (row + c), falling | 1 << (row - c + n), row + 1)


place(7, 0, 0, 0, 0)
print("queens", queens[0])
text = " ".join("w%d" % random.randrange(997) for _ in range(30000))
words = {}
for word in re.findall(r"w\d+", text):
    words[word] = words.get(word, 0) + 1
print("words", digest(json.dumps(words, sort_keys=True)))
packed = zlib.compress(text.encode(), 9)
print("zlib", len(packed), zlib.decompress(packed).decode() == text, zlib.crc32(packed))
for name in sorted(hashlib.algorithms_guaranteed):
    if not name.startswith("shake"):
        print(name, hashlib.new(name, text.encode()).hexdigest()[:24])
print("floats", [struct.pack(">d", f(0.7)).hex() for f in (math.sin, math.cos, math.tan, math.exp, math.log, math.atan, math.sqrt, math.erf, math.gamma)])
heap = []
for n in numbers[:20000]:
    heapq.heappush(heap, n)
print("heap", digest([heapq.heappop(heap) for _ in range(1000)]), bisect.bisect(sorted(numbers), 0.5))
print("unicode", unicodedata.normalize("NFKD", "ﬁ Å ½ żółć"))
