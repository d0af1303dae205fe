"""Pictures as the model takes them: a known format, not too large, upright, and without what the camera wrote beside it. Runs in the child."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from bot.errors import FileRefused

MOST_BYTES = 10_000_000
MOST_SIDE = 4096  # pixels
MOST_PIXELS = 120_000_000  # opened; a phone makes 50 million, some 108
TAKEN = frozenset({"gif", "jpeg", "png", "webp"})  # by the model
SHARP = frozenset({"bmp", "gif", "png"})  # drawn rather than photographed: a JPEG would blur them
READERS = {"heic": "HEIF"}
PRIVATE = ("exif", "xmp", "XML:com.adobe.xmp", "iptc", "photoshop")  # a place, a camera, an author


def fit(source: Path, form: str, target: Path) -> tuple[Path, str, str]:
    """Where the picture lies that the model may see, its format, and a note. Raises FileRefused."""
    Image.MAX_IMAGE_PIXELS = None  # ours is a rule, not a warning
    if form == "heic":
        import pillow_heif

        pillow_heif.register_heif_opener()
    try:
        with Image.open(source, formats=[READERS.get(form, form.upper())]) as picture:
            width, height = picture.size
            if width * height > MOST_PIXELS:
                raise FileRefused(
                    f"its picture is too large ({width:,} × {height:,} pixels); please share a smaller one"
                )
            if form == "jpeg" and max(width, height) > MOST_SIDE:
                picture.draft("RGB", (MOST_SIDE, MOST_SIDE))  # decodes it smaller, in a fraction of the memory
            picture.load()
            moves = getattr(picture, "n_frames", 1) > 1 and form != "jpeg"
            small = source.stat().st_size <= MOST_BYTES and max(width, height) <= MOST_SIDE
            plain = not any(picture.info.get(k) for k in PRIVATE) and not picture.getexif()
            if form in TAKEN and small and plain and not moves:
                return source, form, ""
            note = "only the first picture of the animation is seen" if moves else ""
            return target, _write(picture, target, sharp=form in SHARP), note
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise FileRefused("it is damaged, or is no picture that I know") from error


def _write(picture: Image.Image, target: Path, *, sharp: bool) -> str:
    """Writes a picture that is small enough; returns its format."""
    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I;16"):  # Pillow would cut off the brighter shades
        upright = upright.convert("I").point(lambda shade: shade * (1 / 256)).convert("L")
    clear = upright.has_transparency_data
    upright = upright.convert("RGBA" if clear else "RGB")
    for side in (MOST_SIDE, MOST_SIDE // 2, MOST_SIDE // 4):
        upright.thumbnail((side, side))
        for form in ("png", "jpeg") if sharp or clear else ("jpeg",):
            opaque = upright.convert("RGB") if form == "jpeg" and clear else upright
            opaque.save(target, form, **({"quality": 90} if form == "jpeg" else {}))
            if target.stat().st_size <= MOST_BYTES:
                return form
    raise FileRefused("its picture is too large; please share a smaller one")
