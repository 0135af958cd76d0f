"""The audit log: who changed what, from where and when. Rows are written with the change, and never changed afterwards.

`record` has what is noted of a change, `origin` who makes it, `log` reads. `Database.write` refuses to commit a change
that was not recorded, and triggers in the database refuse to change or delete rows.
"""

from __future__ import annotations
