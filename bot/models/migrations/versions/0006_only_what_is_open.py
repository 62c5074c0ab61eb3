"""indexes of what is open hold only that: a settled message costs a turn no more writing in them"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UNREAD = sa.text("done_at IS NULL")
OPEN = sa.text("state = 'waiting' OR state = 'claimed' OR state = 'unknown'")
GIVEN = sa.text("provider IS NOT NULL")


def _index(name: str, table: str, columns: list[str], where: sa.TextClause | None = None) -> None:
    op.drop_index(name, table)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def _answers(with_rowid: bool) -> None:
    if op.get_bind().dialect.name == "sqlite":  # one tree instead of two for each answer
        with op.batch_alter_table(
            "profile_answer", recreate="always", table_kwargs={"sqlite_with_rowid": with_rowid}
        ):
            pass


def upgrade() -> None:
    _index("inbox_unread", "inbox", ["contact_id", "id"], UNREAD)
    _index("outbox_order", "outbox", ["channel", "state", "lane", "id", "due_at"], OPEN)
    _index("outbox_chat", "outbox", ["address_id", "state", "lane", "id"], OPEN)
    _index("outbox_provider", "outbox", ["provider"], GIVEN)
    _answers(with_rowid=False)


def downgrade() -> None:
    _answers(with_rowid=True)
    _index("outbox_provider", "outbox", ["provider"])
    _index("outbox_chat", "outbox", ["address_id", "state"])
    _index("outbox_order", "outbox", ["channel", "state", "lane", "id", "due_at"])
    _index("inbox_unread", "inbox", ["done_at", "contact_id"])
