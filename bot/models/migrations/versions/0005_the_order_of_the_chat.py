"""the order of the chat rests on numbers, not on clocks"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SHOWN = sa.text("shown IS NOT NULL")


def upgrade() -> None:
    op.add_column("outbox", sa.Column("shown", sa.BigInteger(), nullable=True))
    op.add_column("conversation", sa.Column("hidden_heard", sa.BigInteger(), nullable=True))
    op.add_column("conversation", sa.Column("hidden_said", sa.BigInteger(), nullable=True))
    # what was said so far: after what it answered, in the order of its own numbers
    op.execute(
        "UPDATE outbox SET shown = 1048576 * COALESCE((SELECT MAX(i.id) FROM inbox i WHERE "
        "i.contact_id = outbox.contact_id AND i.address_id = outbox.address_id AND i.received_at <= outbox.settled_at"
        "), 0) + 1 + (SELECT COUNT(*) FROM outbox p WHERE p.address_id = outbox.address_id AND p.id < outbox.id) "
        "WHERE channel IN ('web', 'terminal') AND state = 'sent'"
    )
    op.execute(
        "UPDATE conversation SET hidden_heard = (SELECT MAX(i.id) FROM inbox i WHERE "
        "i.contact_id = conversation.contact_id AND i.received_at <= hidden_at), hidden_said = (SELECT MAX(o.id) "
        "FROM outbox o WHERE o.contact_id = conversation.contact_id AND o.created_at < hidden_at) "
        "WHERE hidden_at IS NOT NULL"
    )
    op.create_index(
        "outbox_shown", "outbox", ["address_id", "shown"], unique=True, sqlite_where=SHOWN, postgresql_where=SHOWN
    )


def downgrade() -> None:
    op.drop_index("outbox_shown", "outbox")
    op.drop_column("conversation", "hidden_said")
    op.drop_column("conversation", "hidden_heard")
    op.drop_column("outbox", "shown")
