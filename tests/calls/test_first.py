from __future__ import annotations

from pathlib import Path

from b2bua.demo.softphone import Habit
from b2bua.store.calls import CallOutcome
from b2bua.store.story import story
from tests.harness.clock import virtual_time
from tests.harness.office import office


@virtual_time(limit_s=600)
async def test_row_f5_f6_chain_20_20_20_then_voicemail_at_60(tmp_path: Path) -> None:
    async with office(tmp_path) as demo:
        await demo.phone("101")
        await demo.phone("102")
        await demo.mobiles()
        began = demo.now
        call = await demo.call_in("+48221230001")
        leg = await call.answered(within=70)
        assert 59.4 <= demo.now - began <= 60.5
        assert demo.times("INVITE", to_port=5101, since=began)[0] < 0.1
        print(demo.times("INVITE", since=began), demo.times("CANCEL", since=began), call.statuses)
        path = tmp_path / "heard.wav"
        recording = leg.media.record(path)
        from media.commands import Tone
        import asyncio
        await asyncio.sleep(20)
        await leg.play([Tone((1000.0,), 5.0)])
        await recording.stop()
        leg.hang_up()
        stories = await demo.stories()
        print([story(s) for s in stories])
        assert stories[0].outcome is CallOutcome.MESSAGE
