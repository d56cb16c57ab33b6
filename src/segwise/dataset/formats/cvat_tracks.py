"""CVAT "for video": tracks of shapes over frames; each frame that lies in the folder as an image is one image."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from segwise.dataset.formats import cvat_shapes
from segwise.dataset.formats.builder import Builder
from segwise.dataset.formats.drawn import Tally, draw
from segwise.dataset.formats.text import printable

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Shown = list[tuple[str, Any, Any]]


class Tracks:
    """The tracks of one file."""

    def __init__(self, builder: Builder, file: PurePosixPath, root: Element) -> None:
        self.builder, self.file, self.root = builder, file, root
        self.tracks = list(root.iter("track"))

    def draw(self, tally: Tally) -> None:
        """Draw every frame: what its tracks show there; a track says nothing where it is `outside`."""
        if not self.tracks:
            return
        frames = self._frames()
        images = self._images()
        if not images:
            came = f"{printable(self.file)} has {len(self.tracks)} tracks, and no frames lie beside it"
            self.builder.report("file missing", "error", None, None, came, "export it with the images")
            return
        num_between = 0
        for number in sorted(set(frames) | set(images)):
            shown = frames.get(number, [])
            num_between += sum(element.get("keyframe") == "0" for _, _, element in shown)
            self._draw_frame(number, images.get(number), shown, tally)
        if num_between:
            came = f"{num_between} shapes of {printable(self.file)} were interpolated between two drawn ones"
            self.builder.report("interpolated", "warning", None, None, came, "look at them", "approximated")

    def _frames(self) -> dict[int, Shown]:
        """What each frame shows: the words for it, its track and its element."""
        frames: dict[int, Shown] = defaultdict(list)
        for i, track in enumerate(self.tracks):
            for element in track:
                frame = element.get("frame") or ""
                if not frame.isdecimal() or len(frame) > 9:
                    came = f"frame {printable(frame)!r} of track {printable(track.get('id', i))}"
                    self.builder.report("structure", "error", None, None, came, "export it again")
                elif element.get("outside") != "1":
                    frames[int(frame)].append((f"track {printable(track.get('id', i))}", track, element))
        return frames

    def _images(self) -> dict[int, PurePosixPath]:
        """Frames by number. CVAT calls those of a video frame_000000; others it numbers in the order of their names."""
        below = [f for f in self.builder.folder.images() if f.is_relative_to(self.file.parent)]
        named = {int(match[1]): f for f in below if (match := re.search(r"frame_?(\d{1,9})$", f.stem, re.IGNORECASE))}
        return named if len(named) == len(below) else dict(enumerate(below))

    def _draw_frame(self, number: int, image: PurePosixPath | None, shown: Shown, tally: Tally) -> None:
        if image is None:
            came = f"no image for frame {number}, which shows {len(shown)} objects"
            self.builder.report("file missing", "error", f"frame {number}", None, came, "export it with the images")
            return
        named = (self.root.findtext(f"meta/{place}/name") for place in ("task", "job"))
        task = next((name for name in named if name), str(self.file.with_suffix("")))
        split = cvat_shapes.split_of(self.file, self.root.findtext("meta/task/subset"))
        extra = {"source_id": f"{task}, frame {number}"}
        canvas = self.builder.image(str(image), self.file.parent, group=task, split=split, extra=extra)
        if canvas is None:
            return
        drawn = []
        for source, track, element in shown:
            shape = cvat_shapes.shape(canvas, element, source, track.get("label"), track.get("group_id"))
            if shape is not None:
                shape.extra["track_id"] = track.get("id", "")
                drawn.append(shape)
        draw(canvas, drawn, tally)
