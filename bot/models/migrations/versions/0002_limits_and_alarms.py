"""limits and alarms"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversation", sa.Column("room", sa.Float(), nullable=True))
    op.add_column("conversation", sa.Column("room_at", sa.Float(), nullable=True))
    op.add_column("conversation", sa.Column("flooded_at", sa.Float(), nullable=True))
    op.add_column("inbox", sa.Column("written_at", sa.Float(), nullable=True))
    op.create_table(
        "alert",
        sa.Column("matter", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("raised_at", sa.Float(), nullable=False),
        sa.Column("over_at", sa.Float(), nullable=True),
        sa.Column("covered_at", sa.Float(), nullable=False),
        sa.Column("mailed_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("matter"),
    )
    op.create_table(
        "memo",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    op.drop_table("memo")
    op.drop_table("alert")
    op.drop_column("inbox", "written_at")
    for column in ("flooded_at", "room_at", "room"):
        op.drop_column("conversation", column)
