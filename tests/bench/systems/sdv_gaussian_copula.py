"""SDV's GaussianCopula."""

import sdv_bridge
from protocol import System, main
from sdv.single_table import GaussianCopulaSynthesizer

if __name__ == "__main__":
    main(
        System(
            fit=lambda task: sdv_bridge.fit(GaussianCopulaSynthesizer, task),
            sample=sdv_bridge.sample,
            save=lambda rows, path: rows.to_parquet(path),
            packages=sdv_bridge.PACKAGES,
        )
    )
