"""SDV's CTGAN, until training has used its CPU-seconds or its default of 300 epochs."""

import frames
import sdv_bridge
from ctgan.synthesizers import ctgan
from protocol import CAP_CPU_S, System, epochs_within, main
from sdv.single_table import CTGANSynthesizer

if __name__ == "__main__":
    ctgan.tqdm = epochs_within(CAP_CPU_S)  # the loop over epochs has no other way to be stopped
    main(
        System(
            fit=lambda task: sdv_bridge.fit(CTGANSynthesizer, task, enable_gpu=False),
            sample=sdv_bridge.sample,
            save=frames.save,
            packages=sdv_bridge.PACKAGES,
            cap=f"{CAP_CPU_S:g} CPU-s or 300 epochs",
        )
    )
