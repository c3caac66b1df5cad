"""What parks add to totals, as it travels."""

from pydantic import BaseModel, Field


class AddendBody(BaseModel):
    """What a park adds to a total: with these a front makes the total of several services, to the bit."""

    park: str = Field(examples=["nam-cau-kien"])
    values: list[float | None] | None = Field(
        description="co2e_t, co2_kg, co2_biogenic_kg, ch4_kg, n2o_kg, activity, the measured, interpolated and substituted windows, and"
        " now_t_per_h; null: nothing of it counts",
    )
    due: int = Field(ge=0, description="windows that are owed", examples=[1440])
    units: list[str] = Field(description="of its activities", examples=[["kWh"]])
    now_at: str | None = Field(examples=["2026-11-24T05:00:00Z"])
    now_unknown: list[str] = Field(examples=[[]])
    known_from: str | None = Field(examples=[None])
    unheard: list[str] = Field(examples=[[]])
    worst_coverage: float | None = Field(description="of worst_source", examples=[0.998])
    worst_source: str | None = Field(examples=["nam-cau-kien/mill/grid"])
    complete_until: str | None = Field(examples=["2026-11-24T05:00:00Z"])
    stale: list[str] = Field(examples=[[]])
    revision: int = Field(examples=[3])
    left_out: dict[str, float | None] = Field(
        description="excluded_transfers_t and scope3_t, where there are some", examples=[{"scope3_t": 12.5}]
    )
    budget_t: float | None = Field(default=None, description="with=budget", examples=[2.5])
