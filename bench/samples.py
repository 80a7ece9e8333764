"""How many events each sample gives, of what kinds, how fast, and how large they are."""

from collections import Counter
from resource import RUSAGE_SELF, getrusage
from time import perf_counter, process_time

from services.errors import Misconfigured
from services.ingest.samples.catalogue import SAMPLES, Sample
from services.ingest.samples.event import encode
from services.ingest.samples.shift import Shift


def measure(sample: Sample) -> None:
    """Generate all of ``sample`` and print its figures."""
    kinds: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    size, shift = 0, Shift(3000)
    began, began_cpu = perf_counter(), process_time()
    for event in sample.events():
        size += len(encode(event, shift))
        kinds[event.type] += 1
        sources[event.source] += 1
    took_s, cpu_s = perf_counter() - began, process_time() - began_cpu
    count = kinds.total()
    print(f"{sample.name}: {count:,} events, {size:,} bytes, {took_s:.1f} s ({cpu_s:.1f} s CPU),")
    print(f"  {count / cpu_s:,.0f} events/s, {getrusage(RUSAGE_SELF).ru_maxrss // 1024} MB at most")
    for kind, number in kinds.most_common():
        print(f"  {number:8,} {kind}")
    for source, number in sources.most_common():
        print(f"  {number:8,} from {source}")


def main() -> None:
    """Measure every sample whose package is installed."""
    for sample in SAMPLES.values():
        try:
            measure(sample)
        except Misconfigured as missing:
            print(f"{sample.name}: {missing}")


if __name__ == "__main__":
    main()
