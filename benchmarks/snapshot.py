"""`python -m benchmarks.snapshot`: time, memory and growth of a discovery snapshot with its truth and JSON body."""

from __future__ import annotations

from benchmarks.fresh import exponent, measure

BODY = """
snapshot = data.snapshot()
result = {"records": len(snapshot), "keys": len(snapshot.truth), "bytes": len(snapshot.body(tenant))}
"""


def main() -> None:
    """Print a line per scale, and the growth exponent between the two largest."""
    print(f"{'scale':8} {'records':>9} {'keys':>7} {'JSON MB':>8} {'seconds':>8} {'records/s':>10} {'peak MiB':>9}")
    runs = {}
    for scale in ("small", "medium", "large"):
        run = runs[scale] = measure(BODY, scale)
        print(
            f"{scale:8} {run['records']:9,} {run['keys']:7,} {run['bytes'] / 1e6:8.1f} {run['seconds']:8.3f} "
            f"{run['records'] / run['seconds']:10,.0f} {run['mib']:9.0f}"
        )
    print(f"growth exponent, medium to large: {exponent(runs['medium'], runs['large']):.2f}")


if __name__ == "__main__":
    main()
