"""SDV's TVAE, until training has used its CPU-seconds or its default of 300 epochs."""

import frames
import sdv_bridge
from ctgan.synthesizers import tvae
from protocol import CAP_CPU_S, System, epochs_within, main
from sdv.single_table import TVAESynthesizer

if __name__ == "__main__":
    tvae.tqdm = epochs_within(CAP_CPU_S)  # the loop over epochs has no other way to be stopped
    main(
        System(
            fit=lambda task: sdv_bridge.fit(TVAESynthesizer, task, enable_gpu=False),
            sample=sdv_bridge.sample,
            save=frames.save,
            packages=sdv_bridge.PACKAGES,
            cap=f"{CAP_CPU_S:g} CPU-s or 300 epochs",
        )
    )
