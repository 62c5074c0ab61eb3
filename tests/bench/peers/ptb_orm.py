"""python-telegram-bot with a persistence on SQLAlchemy's ORM: a session and a commit a turn."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from tests.bench.peers import meter, ptb


class Base(DeclarativeBase):
    type_annotation_map = {dict[str, Any]: JSON, list[int]: JSON}


class StateRow(Base):
    __tablename__ = "state"
    key: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[int | None]


class AnswersRow(Base):
    __tablename__ = "answers"
    user_id: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[dict[str, Any]]


class ORMPersistence(ptb.Stored):
    """Both updates of a turn share one session, committed by the turn's last word."""

    def __init__(self, url: str) -> None:
        super().__init__()
        engine = create_engine(url)
        event.listen(engine, "connect", _durable)
        Base.metadata.create_all(engine)
        self._sessions = sessionmaker(engine)
        self._open: Session | None = None

    def states(self) -> dict[tuple[int, ...], object]:
        with self._sessions() as session:
            return {tuple(map(int, row.key.split(","))): row.state for row in session.scalars(select(StateRow))}

    def answers(self) -> dict[int, dict[str, Any]]:
        with self._sessions() as session:
            return {row.user_id: dict(row.data) for row in session.scalars(select(AnswersRow))}

    @property
    def _session(self) -> Session:
        if self._open is None:
            self._open = self._sessions()
        return self._open

    async def update_conversation(self, name: str, key: Any, new_state: object) -> None:
        self._session.merge(StateRow(key=",".join(map(str, key)), state=new_state))

    async def update_user_data(self, user_id: int, data: Any) -> None:
        self._session.merge(AnswersRow(user_id=user_id, data=dict(data)))

    def commit(self) -> None:
        if self._open is not None:
            self._open.commit()
            self._open.close()
            self._open = None


def _durable(connection: Any, _entry: object) -> None:
    connection.execute("PRAGMA journal_mode=wal")
    connection.execute("PRAGMA synchronous=full")


def opened(given: ptb.Given) -> Any:
    persistence = ORMPersistence(f"sqlite:///{given.folder}/orm.db")
    return ptb.opened(given, persistence, lambda: ptb.complete(list(persistence.answers().values())))


if __name__ == "__main__":
    meter.main(opened)
