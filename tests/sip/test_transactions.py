"""The four transaction machines, row by row: what is sent and delivered, and when (RFC 3261 §17)."""

from __future__ import annotations

import random

import pytest

from b2bua.errors import WrongState
from b2bua.sip.message import Headers, Message, Request, Response, response_to
from b2bua.sip.timers import Timers
from b2bua.sip.transaction import (
    Acknowledged,
    ClientInviteTransaction,
    ClientTransaction,
    Output,
    ServerInviteTransaction,
    ServerTransaction,
    TimedOut,
    TransactionTable,
    TransportFailed,
    cancel_for,
    server_key,
)

TIMERS = Timers()
AnyTransaction = ClientInviteTransaction | ClientTransaction | ServerInviteTransaction | ServerTransaction


def request(
    method: str = "INVITE", *, branch: str = "z9hG4bK1", to: str = "<sip:b@y>", host: str = "x"
) -> Request:
    return Request(
        method,
        "sip:b@y",
        Headers(
            [
                ("Via", f"SIP/2.0/UDP {host};branch={branch}"),
                ("Route", "<sip:proxy;lr>"),
                ("From", "<sip:a@x>;tag=a"),
                ("To", to),
                ("Call-ID", "1@x"),
                ("CSeq", f"7 {method}"),
            ]
        ),
    )


def reply(to: Request, status: int, tag: str = "b") -> Response:
    return response_to(to, status, to_tag=tag)


def sends(*messages: Message) -> Output:
    return Output(send=messages)


def fire_times(transaction: AnyTransaction) -> list[tuple[float, Output]]:
    """What every timer does until none is left."""
    fired = []
    while (at := transaction.next_timer) is not None:
        fired.append((at, transaction.fire(at)))
    return fired


def client_invite(*, is_reliable: bool = False) -> ClientInviteTransaction:
    return ClientInviteTransaction(request(), timers=TIMERS, is_reliable=is_reliable)


def server_invite(*, is_reliable: bool = False, branch: str = "z9hG4bK1") -> ServerInviteTransaction:
    return ServerInviteTransaction(request(branch=branch), timers=TIMERS, is_reliable=is_reliable)


# --- INVITE client


def test_rfc3261_17_1_1_2_invite_is_repeated_by_timer_a_doubling_until_timer_b_gives_up() -> None:
    transaction = client_invite()
    invite = transaction.request
    assert transaction.start(0.0) == sends(invite)
    assert fire_times(transaction) == [
        *((at, sends(invite)) for at in (0.5, 1.5, 3.5, 7.5, 15.5, 31.5)),
        (32.0, Output(deliver=(TimedOut(),))),
    ]
    assert transaction.is_done


def test_rfc3261_17_1_1_2_reliable_transport_repeats_for_us() -> None:
    transaction = client_invite(is_reliable=True)
    transaction.start(0.0)
    assert fire_times(transaction) == [(32.0, Output(deliver=(TimedOut(),)))]


def test_rfc3261_17_1_1_2_a_provisional_response_stops_all_timers() -> None:
    transaction = client_invite()
    transaction.start(0.0)
    ringing = reply(transaction.request, 180)
    assert transaction.on_response(ringing, 0.2) == Output(deliver=(ringing,))
    assert transaction.next_timer is None
    assert transaction.on_response(ringing, 60.0) == Output(deliver=(ringing,))


def test_rfc3261_17_1_1_3_refusal_is_acknowledged_on_the_same_hop_and_again_when_repeated() -> None:
    transaction = client_invite()
    transaction.start(0.0)
    busy = reply(transaction.request, 486)
    output = transaction.on_response(busy, 1.0)
    assert output.deliver == (busy,)
    (ack,) = output.send
    assert isinstance(ack, Request)
    assert (ack.method, ack.uri, ack.via, str(ack.cseq)) == (
        "ACK",
        "sip:b@y",
        transaction.request.via,
        "7 ACK",
    )
    assert (ack.to.tag, ack.from_.tag, ack.call_id) == ("b", "a", "1@x")
    assert ack.headers.all("Route") == ["<sip:proxy;lr>"]
    assert transaction.on_response(busy, 2.0) == sends(ack)
    assert transaction.on_response(reply(transaction.request, 180), 2.0) == Output()
    assert fire_times(transaction) == [(33.0, Output())]  # timer D
    assert transaction.on_response(busy, 34.0) == Output()


def test_rfc3261_17_1_1_2_timer_d_is_zero_over_tcp() -> None:
    transaction = client_invite(is_reliable=True)
    transaction.start(0.0)
    transaction.on_response(reply(transaction.request, 486), 1.0)
    assert transaction.is_done


def test_rfc6026_8_4_repeated_and_forked_2xx_reach_the_user_until_timer_m() -> None:
    transaction = client_invite()
    transaction.start(0.0)
    first, fork = reply(transaction.request, 200), reply(transaction.request, 200, tag="other")
    for response, at in ((first, 1.0), (first, 1.5), (fork, 2.0)):
        assert transaction.on_response(response, at) == Output(deliver=(response,))
    assert transaction.on_response(reply(transaction.request, 486), 3.0) == Output()
    assert fire_times(transaction) == [(33.0, Output())]
    assert transaction.is_done


def test_rfc3261_17_1_4_transport_error_ends_what_is_open_and_nothing_else() -> None:
    transaction = client_invite()
    transaction.start(0.0)
    assert transaction.on_transport_error(0.1) == Output(deliver=(TransportFailed(),))
    assert transaction.is_done
    assert transaction.on_transport_error(0.2) == Output()
    answered = client_invite()
    answered.start(0.0)
    answered.on_response(reply(answered.request, 200), 1.0)
    assert answered.on_transport_error(1.1) == Output()
    assert not answered.is_done


def test_rfc3261_9_1_cancel_shares_hop_and_number_with_its_invite() -> None:
    cancel = cancel_for(request(), reason="SIP;cause=200")
    assert (cancel.method, str(cancel.cseq), cancel.via) == ("CANCEL", "7 CANCEL", request().via)
    assert (cancel.to.tag, cancel.headers.get("Route")) == (None, "<sip:proxy;lr>")
    assert cancel.headers.get("Reason") == "SIP;cause=200"


# --- non-INVITE client


def test_rfc3261_17_1_2_2_request_is_repeated_by_timer_e_up_to_t2_until_timer_f_gives_up() -> None:
    transaction = ClientTransaction(request("OPTIONS"), timers=TIMERS, is_reliable=False)
    assert transaction.start(0.0) == sends(transaction.request)
    times = fire_times(transaction)
    assert [at for at, _ in times] == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5, 32.0]
    assert times[-1][1] == Output(deliver=(TimedOut(),))


def test_rfc3261_17_1_2_2_while_proceeding_it_is_repeated_every_t2() -> None:
    transaction = ClientTransaction(request("OPTIONS"), timers=TIMERS, is_reliable=False)
    transaction.start(0.0)
    transaction.on_response(reply(transaction.request, 100), 0.1)
    assert [at for at, _ in fire_times(transaction)] == [0.5, 4.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5, 32.0]


def test_rfc3261_17_1_2_2_final_response_is_delivered_once_and_repeats_are_absorbed_for_timer_k() -> None:
    transaction = ClientTransaction(request("BYE"), timers=TIMERS, is_reliable=False)
    transaction.start(0.0)
    final = reply(transaction.request, 200)
    assert transaction.on_response(final, 1.0) == Output(deliver=(final,))
    assert transaction.on_response(final, 2.0) == Output()
    assert fire_times(transaction) == [(6.0, Output())]
    assert transaction.is_done


# --- INVITE server


def test_rfc3261_17_2_1_invite_is_answered_100_at_once_and_delivered_once() -> None:
    transaction = server_invite()
    output = transaction.start(0.0)
    assert output.deliver == (transaction.request,)
    assert [getattr(message, "status", None) for message in output.send] == [100]
    assert transaction.on_request(transaction.request, 0.5) == sends(*output.send)
    ringing = reply(transaction.request, 180)
    assert transaction.respond(ringing, 1.0) == sends(ringing)
    assert transaction.on_request(transaction.request, 1.5) == sends(ringing)
    assert transaction.next_timer is None


def test_rfc3261_17_2_1_busy_is_repeated_with_timer_g_doubling_up_to_t2_until_timer_h() -> None:
    transaction = server_invite()
    transaction.start(0.0)
    busy = reply(transaction.request, 486)
    assert transaction.respond(busy, 0.0) == sends(busy)
    assert transaction.on_request(transaction.request, 0.1) == sends(busy)
    times = fire_times(transaction)
    assert [at for at, _ in times] == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5, 32.0]
    assert times[-1][1] == Output(deliver=(TimedOut(),))


def test_rfc3261_17_2_1_ack_of_a_refusal_ends_the_repeating_and_is_absorbed_for_timer_i() -> None:
    transaction = server_invite()
    transaction.start(0.0)
    transaction.respond(reply(transaction.request, 486), 0.0)
    ack = request("ACK", to="<sip:b@y>;tag=b")
    assert server_key(ack) == transaction.key
    assert transaction.on_request(ack, 1.0) == Output()
    assert transaction.on_request(ack, 2.0) == Output()
    assert transaction.on_request(transaction.request, 2.0) == Output()
    assert fire_times(transaction) == [(6.0, Output())]
    assert transaction.is_done


def test_rfc3261_17_2_1_over_tcp_a_refusal_is_sent_once_and_its_ack_is_the_end() -> None:
    transaction = server_invite(is_reliable=True)
    transaction.start(0.0)
    transaction.respond(reply(transaction.request, 486), 0.0)
    assert transaction.next_timer == 32.0
    transaction.on_request(request("ACK"), 1.0)
    assert transaction.is_done


def test_rfc6026_7_1_2xx_is_repeated_by_the_user_and_a_repeated_invite_absorbed_until_timer_l() -> None:
    transaction = server_invite()
    transaction.start(0.0)
    answer = reply(transaction.request, 200)
    assert transaction.respond(answer, 1.0) == sends(answer)
    assert transaction.on_request(transaction.request, 1.2) == Output()
    assert transaction.respond(answer, 1.5) == sends(answer)
    ack = request("ACK", to="<sip:b@y>;tag=b")
    assert transaction.on_request(ack, 1.6) == Output(deliver=(Acknowledged(ack),))
    assert transaction.on_transport_error(1.7) == Output(deliver=(TransportFailed(),))
    assert fire_times(transaction) == [(33.0, Output())]
    assert transaction.is_done


@pytest.mark.parametrize(("first", "second"), [(200, 180), (200, 486), (486, 200), (486, 487), (603, 100)])
def test_rfc3261_17_2_1_a_response_that_cannot_follow_is_our_bug(first: int, second: int) -> None:
    transaction = server_invite()
    transaction.start(0.0)
    transaction.respond(reply(transaction.request, first), 1.0)
    with pytest.raises(WrongState):
        transaction.respond(reply(transaction.request, second), 2.0)


def test_rfc3261_17_2_4_transport_error_ends_the_server_and_later_responses_go_nowhere() -> None:
    for transaction in (
        server_invite(),
        ServerTransaction(request("OPTIONS"), timers=TIMERS, is_reliable=False),
    ):
        transaction.start(0.0)
        assert transaction.on_transport_error(1.0) == Output(deliver=(TransportFailed(),))
        assert transaction.respond(reply(transaction.request, 200), 2.0) == Output()
        assert transaction.next_timer is None


# --- non-INVITE server


def test_rfc3261_17_2_2_request_is_delivered_once_and_the_answer_repeated_until_timer_j() -> None:
    transaction = ServerTransaction(request("OPTIONS"), timers=TIMERS, is_reliable=False)
    assert transaction.start(0.0) == Output(deliver=(transaction.request,))
    assert transaction.on_request(transaction.request, 0.5) == Output()
    trying, final = reply(transaction.request, 100), reply(transaction.request, 200)
    assert transaction.respond(trying, 1.0) == sends(trying)
    assert transaction.on_request(transaction.request, 1.5) == sends(trying)
    assert transaction.respond(final, 2.0) == sends(final)
    assert transaction.on_request(transaction.request, 2.5) == sends(final)
    with pytest.raises(WrongState):
        transaction.respond(final, 3.0)
    assert fire_times(transaction) == [(34.0, Output())]
    assert transaction.is_done


# --- matching and the table


def test_rfc3261_17_2_3_key_is_branch_sent_by_and_method() -> None:
    key = server_key(request())
    assert server_key(request(to="<sip:b@y>;tag=b")) == key
    assert server_key(request(branch="z9hG4bK2")) != key
    assert server_key(request(host="other")) != key
    assert server_key(request("CANCEL")) != key
    assert server_key(request("CANCEL"), method="INVITE") == key


def test_rfc3261_17_2_3_rfc2543_peers_are_matched_without_a_branch() -> None:
    invite = request(branch="1")
    assert server_key(request("ACK", branch="1", to="<sip:b@y>;tag=b")) == server_key(invite)
    other = request(branch="1")
    other.headers.put("Call-ID", "2@x")
    assert server_key(other) != server_key(invite)


def test_table_finds_what_a_message_belongs_to_and_forgets_what_is_done() -> None:
    table = TransactionTable()
    server, client = server_invite(), ClientTransaction(request("BYE"), timers=TIMERS, is_reliable=True)
    for transaction in (server, client):
        table.add(transaction)
        transaction.start(0.0)
    final = reply(client.request, 200)
    assert table.client_for(final) is client
    assert table.server_for(request()) is server
    assert table.server_for(request("ACK")) is server
    assert table.invite_for(request("CANCEL")) is server
    assert table.server_for(request("CANCEL")) is None
    client.on_response(final, 1.0)
    assert table.client_for(final) is None
    table.remove(server)
    assert (table.server_for(request()), len(table)) == (None, 0)


def test_table_refuses_two_transactions_of_one_key() -> None:
    table = TransactionTable()
    table.add(server_invite())
    with pytest.raises(WrongState):
        table.add(server_invite())


def test_rfc3261_8_2_2_2_the_copy_of_a_request_by_another_way_is_merged() -> None:
    table = TransactionTable()
    table.add(server_invite())
    assert not table.is_merged(server_invite())
    assert table.is_merged(server_invite(branch="z9hG4bK-other-way"))


def test_table_fires_in_order_of_time_whatever_was_moved_or_cancelled() -> None:
    table = TransactionTable()
    early = ClientInviteTransaction(request(branch="z9hG4bKe"), timers=TIMERS, is_reliable=False)
    late = ClientInviteTransaction(request(branch="z9hG4bKl"), timers=TIMERS, is_reliable=False)
    for transaction, at in ((late, 0.2), (early, 0.0)):
        table.add(transaction)
        transaction.start(at)
    assert table.next_timer() == 0.5
    assert [fired for fired, _ in table.fire(1.0)] == [early, late]
    early.on_response(reply(early.request, 180), 1.1)
    assert table.next_timer() == 2.0  # fired 0.3 s late, so its doubled interval counts from then
    assert table.fire(1.9) == []
    late.on_response(reply(late.request, 486), 1.95)
    assert table.next_timer() == 34.0  # not before 33.95
    assert len(table.fire(40.0)) == 1
    assert (table.next_timer(), len(table)) == (None, 1)


def test_transactions_that_only_absorb_repetitions_end_together_and_none_too_early() -> None:
    table = TransactionTable()
    for number in range(10):
        bye = ClientTransaction(request("BYE", branch=f"z9hG4bK{number}"), timers=TIMERS, is_reliable=False)
        table.add(bye)
        bye.start(0.0)
        bye.on_response(reply(bye.request, 200), 0.04 * (number + 1))
    ended_at = table.next_timer()
    assert ended_at is not None
    assert 0.4 + TIMERS.t4 <= ended_at < 1.0 + TIMERS.t4
    assert len(table.fire(ended_at)) == 10
    assert (table.next_timer(), len(table)) == (None, 0)


def test_table_holds_nothing_after_many_transactions_have_ended() -> None:
    chance = random.Random(4475)
    table = TransactionTable()
    now = 0.0
    for number in range(200):
        transaction = ServerInviteTransaction(
            request(branch=f"z9hG4bK{number}"), timers=TIMERS, is_reliable=False
        )
        table.add(transaction)
        transaction.start(now)
        transaction.respond(reply(transaction.request, chance.choice((200, 302, 486, 603))), now)
        now += chance.random() * 3
        table.fire(now)
    table.fire(now + 64)
    assert (len(table), table.next_timer()) == (0, None)
