"""`python -m benchmarks.discovery`: what a discovery costs the AOD twin, over HTTP, and how that grows."""

from __future__ import annotations

from benchmarks.fresh import exponent, measure

BODY = """
from pytest_aosfarm.modules.aod import AodClient
from pytest_aosfarm.modules.pools import open_pool
from pytest_aosfarm.twins.process import TwinProcess
body, records = data.snapshot().body(tenant), len(data.snapshot())
twin = TwinProcess.start("aod")
client = AodClient(open_pool(timeout=300), twin.url, tenant, timeout=300)
client.probe()
started = time.perf_counter()
run = client.discover(body).aod_discovery_id
discovered = time.perf_counter() - started
keys = len(client.verdicts(run))
read = time.perf_counter() - started - discovered
memory = [line for line in open(f"/proc/{twin.pid}/status") if line.startswith("VmHWM")]
result = {"records": records, "keys": keys, "discover": discovered, "read": read, "twin": int(memory[0].split()[1]) / 1024}
twin.stop()
"""


def main() -> None:
    """Print a line per scale, and the growth exponent between the two largest."""
    print(f"{'scale':8} {'records':>9} {'keys':>7} {'discover s':>11} {'read back s':>12} {'twin peak MiB':>14}")
    runs = {}
    for scale in ("small", "medium", "large"):
        run = runs[scale] = measure(BODY, scale)
        print(
            f"{scale:8} {run['records']:9,} {run['keys']:7,} {run['discover']:11.3f} {run['read']:12.3f} {run['twin']:14.0f}"
        )
        run["seconds"] = run["discover"]
    print(f"growth exponent, medium to large: {exponent(runs['medium'], runs['large']):.2f}")


if __name__ == "__main__":
    main()
