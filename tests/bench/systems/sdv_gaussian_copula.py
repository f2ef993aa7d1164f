"""SDV's GaussianCopula."""

import frames
import sdv_bridge
from protocol import System, main
from sdv.single_table import GaussianCopulaSynthesizer

if __name__ == "__main__":
    main(
        System(
            fit=lambda task: sdv_bridge.fit(GaussianCopulaSynthesizer, task),
            sample=sdv_bridge.sample,
            save=frames.save,
            packages=sdv_bridge.PACKAGES,
        )
    )
