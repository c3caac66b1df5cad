"""E-invoices, as the names of their public schema have them: made by hand, because no seller's file may stand here."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant.documents.invoice import LARGEST, InvoiceError, InvoiceItem, read_invoice

INVOICE = """<?xml version="1.0" encoding="UTF-8"?>
<HDon>
 <DLHDon Id="data">
  <TTChung>
   <PBan>2.0.1</PBan><THDon>Hóa đơn giá trị gia tăng</THDon><KHMSHDon>1</KHMSHDon><KHHDon>C26TAB</KHHDon>
   <SHDon>00001234</SHDon><NLap>2026-11-12</NLap><DVTTe>VND</DVTTe>
  </TTChung>
  <NDHDon>
   <NBan><Ten>Điện lực (bịa)</Ten><MST>0000000001</MST></NBan>
   <NMua><Ten>Nhà máy (bịa)</Ten><MST>0000000002</MST></NMua>
   <DSHHDVu>
    <HHDVu><TChat>1</TChat><STT>1</STT><THHDVu>Điện tiêu thụ kỳ 1</THHDVu><DVTinh>kWh</DVTinh><SLuong>310000</SLuong></HHDVu>
    <HHDVu><TChat>1</TChat><STT>2</STT><THHDVu>Dầu DO</THHDVu><DVTinh>Lít</DVTinh><SLuong>1200.5</SLuong></HHDVu>
    <HHDVu><TChat>4</TChat><STT>3</STT><THHDVu>Ghi chú</THHDVu></HHDVu>
   </DSHHDVu>
  </NDHDon>
 </DLHDon>
 <DSCKS><NBan/></DSCKS>
</HDon>
"""


def test_an_invoice_is_read_as_it_is_written() -> None:
    found = read_invoice(INVOICE.encode())

    assert (found.number, found.day) == ("1C26TAB 00001234", date(2026, 11, 12))
    assert found.seller == ("Điện lực (bịa)", "0000000001")
    assert found.source == "Điện lực (bịa), invoice 1C26TAB 00001234 of 2026-11-12"
    assert found.items == (
        InvoiceItem("Điện tiêu thụ kỳ 1", 310000.0, "kWh", "kWh"),
        InvoiceItem("Dầu DO", 1200.5, "L", "Lít"),
    )


def test_names_of_a_namespace_and_another_encoding_are_read_too() -> None:
    text = INVOICE.replace("<HDon>", '<HDon xmlns="urn:any">').replace("UTF-8", "UTF-16")

    assert read_invoice(text.encode("utf-16")) == read_invoice(INVOICE.encode())


def test_a_unit_that_the_table_lacks_is_left_to_the_person() -> None:
    [item, _] = read_invoice(INVOICE.replace("<DVTinh>kWh", "<DVTinh>Thùng").encode()).items

    assert (item.unit, item.written_unit) == ("", "Thùng")


BOMB = '<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><HDon>&b;</HDon>'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("no XML at all", "is no XML"),
        ("<html/>", "is no e-invoice"),
        (BOMB, "document type"),
        ("<a>" * 100 + "</a>" * 100, "deep"),
        (" " * (LARGEST + 1), "larger"),
        (INVOICE.replace("<SHDon>00001234</SHDon>", ""), "has no SHDon"),
        (INVOICE.replace("2026-11-12", "12/11/2026"), "no day"),
        (INVOICE.replace("310000", "310.000,5"), "no number of an e-invoice"),
        (INVOICE.replace("310000", "1e400"), "no number of an e-invoice"),
        (INVOICE.replace("<SLuong>310000</SLuong>", "").replace("<SLuong>1200.5</SLuong>", ""), "no line"),
        (INVOICE.replace('encoding="UTF-8"', 'encoding="nothing"'), "is no XML"),
        ("", "is no XML"),
    ],
)
def test_what_is_no_invoice_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(InvoiceError, match=why):
        read_invoice(text.encode())


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_whatever_it_is_nothing_else_is_raised(content: bytes) -> None:
    with pytest.raises(InvoiceError):
        read_invoice(content)
