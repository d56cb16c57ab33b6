"""The section `promote` of params.yaml. Light: importing this imports nothing heavy."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from segwise.config import Section


class PromoteParams(Section):
    """What a challenger is held against beside the criteria of `gate`.

    Attributes:
        approvals: people other than the promoter who must have approved the package (`segwise approve`); 0 = none.
        max_slowdown: largest ratio of the challenger's to the champion's time per image.
        max_miss_rate: largest share of answers after the shortest `deadline_ms` of the decisions; not checked where
            none states one.
        pairs: fresh processes of each, timed in turn. images: test images timed, spread evenly over their sizes.
        rounds: how often each process times each image. warmup: answers before that are not timed.
        parity_images: test images on which the shipped Bento is held against the trained network.
        parity_margin: largest part of a decision's tolerance by which their answers may differ.
        min_parity_iou: least IoU of the foreground of both.
    """

    approvals: Annotated[int, Field(ge=0, le=100)] = 0
    max_slowdown: Annotated[float, Field(ge=1, le=100)] = 1.15
    max_miss_rate: Annotated[float, Field(ge=0, le=1)] = 0.05
    pairs: Annotated[int, Field(ge=2, le=100)] = 4
    images: Annotated[int, Field(ge=1)] = 8
    rounds: Annotated[int, Field(ge=1, le=100)] = 3
    warmup: Annotated[int, Field(ge=0, le=100)] = 2
    parity_images: Annotated[int, Field(ge=1)] = 8
    parity_margin: Annotated[float, Field(ge=0)] = 0.05
    min_parity_iou: Annotated[float, Field(ge=0, le=1)] = 0.99
