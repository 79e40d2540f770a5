"""What the composition root shares between flows, and what each has for itself."""

from shared.opt_out.feeds import FileFeed
from shared.settings import Settings
from shared.sftp.client import Sftp
from shared.wiring import Wiring


def session_of(wiring: Wiring, only_look: bool) -> Sftp:
    """The session of the opt-outs' feed."""
    feed = wiring.opt_out_feed(only_look)
    assert isinstance(feed, FileFeed)
    return feed.exports.sftp


def test_each_source_of_files_has_an_sftp_session_of_its_own() -> None:
    """Two polls run at the same time, and one session serves a call at a time: one would wait for
    the other.
    """
    settings = Settings.model_construct(
        opt_out_source="file",
        sftp_host="sftp.example.org",
        sftp_port=22,
        sftp_user="a",
        sftp_folder="/exports",
    )
    wiring = Wiring(settings)
    events, polled, looking = (
        wiring.exports.sftp,
        session_of(wiring, False),
        session_of(wiring, True),
    )
    assert len({id(session) for session in (events, polled, looking)}) == 3
    assert session_of(wiring, True) is looking
