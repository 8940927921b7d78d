# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""List what pending migrations change in tables that exist already. Runs inside the project, in its own Django.

project.py passes the source of this file to `manage.py shell -c`. So it imports nothing of the collection, and is
written for Python 3.8 and Django 3.2. The answer names tables, columns and types, but no values.

Private to this collection.
"""

from __future__ import annotations

from typing import Any

# Operations whose effect cannot be read from the models.
_OPAQUE = {"RunPython", "RunSQL"}
# Operations that change no table, or only the name of an index.
_HARMLESS = {"AlterModelManagers", "AlterModelOptions", "RenameIndex"}
# Operations that add an index or a constraint without a long lock.
_ONLINE = {"AddIndexConcurrently", "AddConstraintNotValid"}
_KINDS = {"UniqueConstraint": "unique", "CheckConstraint": "check", "ExclusionConstraint": "exclusion"}


def examine(executor: Any, plan: list[Any]) -> list[dict[str, Any]]:
    """Return the changes of the migrations in `plan`, in the order in which they would run.

    A database without migrations has no table that anybody uses. An error of the project's code is the last change.
    """
    loader = executor.loader
    applied = [key for key in loader.applied_migrations if key in loader.graph.nodes]
    changes: list[dict[str, Any]] = []
    if not plan or not applied:
        return changes
    name = ""
    try:
        walk = _Walk(executor.connection, loader.project_state(applied), changes)
        for migration, _backwards in plan:
            name = f"{migration.app_label}.{migration.name}"
            walk.migrate(name, migration)
    except Exception as error:  # noqa: BLE001 - the project's own code may raise anything
        changes.append({"change": "error", "migration": name, "operation": type(error).__name__})
    return changes


class _Walk:
    """Runs operations on the models alone, and compares the tables of the models before and after each of them.

    `known` has the tables and columns that the code in service may use: those from before the first migration. `seen`
    has the tables of models: an operation replaces the classes of those that it changes, and of their relatives.
    """

    def __init__(self, connection: Any, state: Any, changes: list[dict[str, Any]]):
        self.connection = connection
        self.state = state
        self.changes = changes
        self.seen: dict[Any, dict[str, Any]] = {}
        self.tables = self._look(state)
        self.known = {table: set(found["columns"]) for table, found in self.tables.items()}
        self.app = ""
        self.origin: dict[str, Any] = {}

    def migrate(self, name: str, migration: Any) -> None:
        self.app = migration.app_label
        for operation in migration.operations:
            self._run(name, operation, self.state)

    def _run(self, name: str, operation: Any, state: Any) -> None:
        """Note what an operation does to the database, and bring `state` to what it is afterwards."""
        classes = {one.__name__ for one in type(operation).__mro__}
        if "SeparateDatabaseAndState" in classes:
            aside = state.clone()
            for inner in operation.database_operations:
                self._run(name, inner, aside)
            operation.state_forwards(self.app, state)
            self.tables = self._look(state)
            return
        operation.state_forwards(self.app, state)
        after = self._look(state)
        online = bool(classes & _ONLINE)
        self.origin = {"migration": name, "operation": type(operation).__name__, "online": online}
        own = type(operation).database_forwards.__module__.startswith("django.")
        if not own or classes & _OPAQUE:
            if not _is_empty(operation):
                self._note("opaque")
        elif not classes & _HARMLESS:
            self._compare(after)
        self.tables = after

    def _note(self, change: str, **values: Any) -> None:
        self.changes.append({"change": change, **self.origin, **values})

    def _compare(self, after: dict[str, Any]) -> None:
        gone = [table for table in self.tables if table not in after and table in self.known]
        come = [table for table in after if table not in self.tables]
        for table in gone:
            self._note("rename table" if come else "drop table", table=table)
            del self.known[table]
        if gone:
            self.known.update({table: set(after[table]["columns"]) for table in come})
        for table in self.tables:
            if table in self.known and after.get(table, self.tables[table]) is not self.tables[table]:
                self._compare_columns(table, self.tables[table]["columns"], after[table]["columns"])
                self._compare_constraints(table, self.tables[table], after[table])

    def _compare_columns(self, table: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        known = self.known[table]
        lost = [column for column in old if column not in new]
        gained = [column for column in new if column not in old]
        for column in lost:
            if column in known:
                self._note("rename column" if gained else "drop column", table=table, column=column)
                known.update(gained)
        if not lost:
            for column in gained:
                self._note("add column", table=table, column=column, new=new[column])
        for column in old:
            if column in new and new[column] != old[column]:
                values = {"old": old[column], "new": new[column], "known": column in known}
                self._note("alter column", table=table, column=column, **values)

    def _compare_constraints(self, table: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        # An operation that renames a column changes the names in unique_together too, and adds no constraint.
        if set(old["columns"]) <= set(new["columns"]):
            for name, kind in new["constraints"].items():
                if name not in old["constraints"]:
                    self._note(f"add {kind}", table=table, name=name)

    def _look(self, state: Any) -> dict[str, Any]:
        """Return the tables that Django manages in this database, as the models of `state` describe them."""
        models = state.apps.get_models(include_auto_created=True)
        for model in models:
            if model not in self.seen:
                self.seen[model] = self._table(model)
        return {model._meta.db_table: self.seen[model] for model in models if self.seen[model]}

    def _table(self, model: Any) -> dict[str, Any]:
        from django.db import router

        meta = model._meta
        if not (meta.can_migrate(self.connection) and router.allow_migrate_model(self.connection.alias, model)):
            return {}
        columns = {field.column: self._column(field) for field in meta.local_concrete_fields}
        return {"columns": columns, "constraints": _constraints(meta)}

    def _column(self, field: Any) -> dict[str, Any]:
        found = field.db_parameters(connection=self.connection)
        return {
            "type": found["type"],
            "collation": found.get("collation", getattr(field, "db_collation", None)),
            "check": bool(found["check"]),
            "null": field.null,
            "default": _default(field),
            "generated": "" if not getattr(field, "generated", False) else "stored" if field.db_persist else "virtual",
            "index": bool(field.db_index),
            "unique": bool(field.unique),
            "foreign key": field.remote_field is not None and bool(getattr(field, "db_constraint", False)),
        }


def _constraints(meta: Any) -> dict[str, str]:
    found = {index.name: "index" for index in meta.indexes}
    for constraint in meta.constraints:
        classes = {one.__name__ for one in type(constraint).__mro__}
        found[constraint.name] = next((kind for name, kind in _KINDS.items() if name in classes), "other")
    for fields in meta.unique_together:
        found[f"unique_together ({', '.join(fields)})"] = "unique"
    for fields in getattr(meta, "index_together", ()):
        found[f"index_together ({', '.join(fields)})"] = "index"
    return found


def _default(field: Any) -> str:
    """Return of which kind the column's default in the database is; empty for none."""
    from django.db.models import NOT_PROVIDED, Value

    default = getattr(field, "db_default", NOT_PROVIDED)
    if default is NOT_PROVIDED:
        return ""
    is_value = isinstance(default, Value) or not hasattr(default, "resolve_expression")
    return "value" if is_value else "expression"


def _is_empty(operation: Any) -> bool:
    """Whether RunSQL or RunPython does nothing."""
    noop = getattr(operation, "noop", None)
    does = getattr(operation, "code", getattr(operation, "sql", operation))
    return does is noop or does == [] or does == ""
