"""labels of the unanswered"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("unanswered", sa.Column("kind", sa.String(), nullable=False, server_default="service"))
    op.add_column("unanswered", sa.Column("label", sa.String(), nullable=True))
    op.add_column("unanswered", sa.Column("labelled_by", sa.String(), nullable=True))
    op.add_column("unanswered", sa.Column("labelled_at", sa.Float(), nullable=True))
    op.add_column("unanswered", sa.Column("done", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_unanswered_done", "unanswered", ["done"])


def downgrade() -> None:
    op.drop_index("ix_unanswered_done", "unanswered")
    for column in ("done", "labelled_at", "labelled_by", "label", "kind"):
        op.drop_column("unanswered", column)
