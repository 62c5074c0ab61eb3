"""the order of sending"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # a claim reads what waits in the order in which it goes, and stops at the first few: however much waits behind
    op.create_index("outbox_order", "outbox", ["channel", "state", "lane", "id", "due_at"])
    op.drop_index("outbox_due", "outbox")


def downgrade() -> None:
    op.create_index("outbox_due", "outbox", ["channel", "state", "due_at"])
    op.drop_index("outbox_order", "outbox")
