"""Papers as HTML: read on a phone, printed as it stands. It loads nothing and runs nothing."""

from html import escape

from reports.paper import Cell, Heading, Number, Paper, PaperTable, Paragraph, Piece, Tone, label
from reports.words import Words

MEDIA_TYPE = "text/html; charset=utf-8"
MOST_PRINTED = 9  # columns that a page of paper is wide enough for; a table of more stands in the workbook

_STYLE = """
:root{color-scheme:light}*{box-sizing:border-box}
body{font:1rem/1.45 "Times New Roman",Tinos,"Liberation Serif",serif;color:#111;background:#fff;margin:0 auto;padding:1rem;max-width:60rem}
h1{font-size:1.35rem;text-align:center;margin:1rem 0}h1 span{display:block}
h2{font-size:1.1rem;margin:1.4rem 0 .4rem}h3{font-size:1rem;margin:1rem 0 .3rem}
p{margin:.4rem 0;overflow-wrap:anywhere}
.head{display:flex;flex-wrap:wrap;gap:1rem;justify-content:space-between;text-align:center;font-weight:bold}
.head div{flex:1 1 14rem}.sign{margin:2rem 0 5rem auto;max-width:20rem;text-align:center;font-weight:bold}
.warn{border:2px solid #b00000;color:#b00000;font-weight:bold;padding:.4rem .6rem;margin:.3rem 0}
.drafted{border-left:4px solid #c9a400;padding-left:.6rem;font-style:italic}.lacking{background:#fff2a8}.note{font-size:.85rem;color:#444}
.wide{overflow-x:auto;margin:.6rem 0}table{border-collapse:collapse;min-width:100%;font-size:.9rem}
caption{text-align:left;font-weight:bold;padding:.3rem 0}th,td{border:1px solid #888;padding:.2rem .4rem;vertical-align:top;text-align:left}
th{background:#eee;text-align:center}td.n{text-align:right;white-space:nowrap}.origin{font-size:.8rem;color:#444;margin-top:2rem}
@media print{@page{size:A4;margin:20mm 15mm}body{padding:0;max-width:none;font-size:11pt}.wide{overflow:visible}
table{font-size:9pt;page-break-inside:auto}tr,caption{page-break-inside:avoid}thead{display:table-header-group}h2,h3{page-break-after:avoid}
.running{position:fixed;top:-12mm;left:0;right:0;text-align:center}th,.lacking{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
@media screen{.running,.pointer{display:none}}@media print{.unprinted{display:none}}
"""


def write(paper: Paper, words: Words) -> bytes:
    """Return one UTF-8 page."""
    title = "".join(f"<span>{_text(line, words)}</span>" for line in paper.title)
    warnings = [_text(one, words) for one in paper.warnings]
    told = "".join(
        f"<p>{_text(label(f'property.{name}'), words)}: {_text(cell, words)}</p>"
        for name, cell in paper.properties
    )
    body = [
        *(f'<p class="warn">{one}</p>' for one in warnings),
        f'<p class="warn running">{" · ".join(warnings)}</p>' if warnings else "",
        _head(paper, words),
        f"<h1>{title}</h1>",
        *(_piece(piece, words) for piece in paper.pieces),
        f'<div class="sign">{"<br>".join(_text(one, words) for one in paper.signature)}</div>'
        if paper.signature
        else "",
        f'<div class="origin">{told}</div>',
    ]
    named = " ".join(words.of(line) for line in paper.title)
    return (
        f'<!doctype html>\n<html lang="{words.language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{escape(named)}</title>'
        f"<style>{_STYLE}</style></head><body>\n" + "\n".join(filter(None, body)) + "\n</body></html>\n"
    ).encode()


def _head(paper: Paper, words: Words) -> str:
    if paper.head is None:
        return ""
    sides = ("<br>".join(_text(one, words) for one in side) for side in (paper.head.left, paper.head.right))
    return f'<div class="head">{"".join(f"<div>{side}</div>" for side in sides)}</div>'


def _piece(piece: Piece, words: Words) -> str:
    match piece:
        case Heading():
            tag = f"h{piece.level + 1}"
            return f"<{tag}>{_text(piece.text, words)}</{tag}>"
        case Paragraph():
            told = label("drafted", text=piece.text) if piece.tone is Tone.DRAFTED else piece.text
            return f'<p class="{piece.tone}">{_text(told, words)}</p>'
        case PaperTable():
            heads = "".join(f"<th>{_text(column, words)}</th>" for column in piece.columns)
            rows = "".join(f"<tr>{''.join(_cell(cell, words) for cell in row)}</tr>" for row in piece.rows)
            caption = f"<caption>{_text(piece.title, words)}</caption>"
            if len(piece.columns) > MOST_PRINTED:
                pointer = escape(words.of(label("in_workbook", name=piece.title)))
                return (
                    f'<p class="pointer">{pointer}</p><div class="wide unprinted"><table>{caption}'
                    f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
                )
            return f'<div class="wide"><table>{caption}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def _cell(cell: Cell, words: Words) -> str:
    if not isinstance(cell, Number):
        return f"<td>{_text(cell, words)}</td>"
    origin = cell.origin
    told = f' title="{escape(origin.command)}"' if origin and origin.command else ""
    return f'<td class="n"{told}>{_text(cell, words)}</td>'


def _text(cell: Cell, words: Words) -> str:
    return escape(words.of(cell)).replace("\n", "<br>")
