"""Pictures of texts, .png, .jpg and .tif, read by OCR: scans and photographs of pages."""

from io import BytesIO

from index.errors import Unreadable
from index.formats.content import Content
from index.formats.pdf import ocr
from index.formats.pdf.document import laid_out_pages
from index.formats.pdf.order import Part, parts_of
from index.formats.pdf.runs import Page

_MOST_PIXELS = 120_000_000
_MOST_FRAMES = 500
# Larger pictures are read no better, only slower.
_LONGEST_SIDE = 3500


def read_picture(raw: bytes) -> Content:
    """The lines of text in a picture, each of its frames a page.

    Raises Unreadable for what is no picture, has no text, or is larger than any page.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    if not ocr.is_installed():
        raise Unreadable(f"a picture; {ocr.HINT}")
    pages: list[list[Part]] = []
    try:
        with Image.open(BytesIO(raw)) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise Unreadable(f"{picture.width} x {picture.height} pixels are more than any page has")
            frames = min(getattr(picture, "n_frames", 1), _MOST_FRAMES)
            for number in range(1, frames + 1):
                if not ocr.has_time():
                    break
                picture.seek(number - 1)
                frame = ImageOps.exif_transpose(picture).convert("RGB")
                frame.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
                runs = ocr.runs_in(frame)
                pages.append(parts_of(Page(number, runs, (), (), False, float(frame.width * frame.height))))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, ArithmeticError) as error:
        why = "its kind is unknown" if isinstance(error, UnidentifiedImageError) else str(error)[:200]
        raise Unreadable(f"damaged, or no picture ({why})") from error
    if not any(pages):
        raise Unreadable("no text was found in the picture")
    text, blocks, starts = laid_out_pages(pages, {})
    if not text:
        raise Unreadable("no text was found in the picture")
    notices = ["read by OCR: a letter or a digit may be wrong"]
    if len(pages) < frames:
        notices.append(f"only {len(pages)} of {frames} pages were read: reading took too long")
    return Content(text, pages=starts if frames > 1 else (), blocks=blocks, notices=tuple(notices))
