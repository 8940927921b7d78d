# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of the dump of another server is loaded, and as what. The lines are those of real dumps."""

from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.engines import by_name
from ansible_collections.landfall.django.plugins.module_utils._database.rewriter import OtherDatabaseError

UTF8 = "CHARACTER SET utf8mb4 COLLATE "
COLLATIONS = {"mysql": "utf8mb4_0900_ai_ci", "mariadb": "utf8mb4_uca1400_ai_ci"}


def rewriter(name="mysql"):
    return by_name(name).rewriter("shop", COLLATIONS.get(name, ""))


def rewritten(text, name="mysql"):
    rewrite = rewriter(name).rewrite
    return b"".join(rewrite(line) for line in text.encode().splitlines(keepends=True)).decode()


@pytest.mark.parametrize(
    ("former", "now"),
    [
        (") ENGINE=InnoDB DEFAULT CHARSET=latin1;", f") ENGINE=InnoDB {UTF8}utf8mb4_0900_ai_ci;"),
        (") DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_uca1400_ai_ci;", f") {UTF8}utf8mb4_0900_ai_ci;"),
        ("  `a` text CHARACTER SET latin1 COLLATE latin1_bin,", f"  `a` text {UTF8}utf8mb4_bin,"),
        ("  `a` text COLLATE latin1_general_cs,", "  `a` text COLLATE utf8mb4_0900_as_cs,"),
        ("  `a` text COLLATE utf8mb4_uca1400_as_ci,", "  `a` text COLLATE utf8mb4_0900_as_ci,"),
        ("  `a` varchar(9) CHARACTER SET binary,", "  `a` varchar(9) CHARACTER SET binary,"),
        ("  `a` int COMMENT 'it\\'s CHARSET=latin1',", "  `a` int COMMENT 'it\\'s CHARSET=latin1',"),
        ("  `COLLATE x` int,", "  `COLLATE x` int,"),
        (
            "CREATE DEFINER=`bob`@`10.0.0.1` FUNCTION `f`() RETURNS text CHARSET latin1",
            f"CREATE DEFINER=`shop`@`%` FUNCTION `f`() RETURNS text {UTF8}utf8mb4_0900_ai_ci",
        ),
        (
            "/*!50003 CREATE*/ /*!50017 DEFINER=`bob`@`%`*/ /*!50003 TRIGGER `t` */;;",
            "/*!50003 CREATE*/ /*!50017 DEFINER=`shop`@`%`*/ /*!50003 TRIGGER `t` */;;",
        ),
        (
            "/*!50003 SET collation_connection  = utf8mb4_uca1400_ai_ci */ ;",
            "/*!50003 SET collation_connection  = utf8mb4_0900_ai_ci */ ;",
        ),
        ("/*!50003 SET sql_mode = 'NO_AUTO_CREATE_USER,ANSI' */ ;", "/*!50003 SET sql_mode = 'ANSI' */ ;"),
        ("/*!50003 SET sql_mode = 'ANSI,NO_AUTO_CREATE_USER' */ ;", "/*!50003 SET sql_mode = 'ANSI' */ ;"),
        ("SET @@SESSION.SQL_LOG_BIN= 0;", ""),
        ("SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'a:1-8,\nb:1-5';", ""),
        ("ALTER DATABASE `old` CHARACTER SET latin1 COLLATE latin1_swedish_ci ;", ""),
        ("CHANGE MASTER TO MASTER_LOG_FILE='binlog.000002', MASTER_LOG_POS=157;", ""),
        ("/*M!999999\\- enable the sandbox mode */ ", ""),
    ],
)
def test_what_another_mysql_has_becomes_what_this_one_has(former, now):
    assert rewritten(f"{former}\n").removesuffix("\n") == now


def test_mariadb_gets_the_collations_that_it_has():
    said = rewritten("  `a` text COLLATE utf8mb4_0900_as_cs,\n) DEFAULT CHARSET=utf8mb4;\n", "mariadb")
    assert "COLLATE utf8mb4_uca1400_as_cs" in said
    assert "COLLATE utf8mb4_uca1400_ai_ci" in said


def test_a_text_that_does_not_fit_any_more_is_an_error():
    said = rewritten("/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\n")
    assert "STRICT_ALL_TABLES" in said
    assert "NO_AUTO_VALUE_ON_ZERO" in said


ROWS = """INSERT INTO `note` VALUES (1,'DEFINER=`a`@`b`'),
(2,'USE other; COLLATE latin1_bin CHARSET=latin1');
INSERT INTO `note` VALUES (3,'SET @@GLOBAL.GTID_PURGED');
"""


def test_rows_stay_as_they_are():
    assert rewritten(ROWS) == ROWS


def test_only_what_changes_is_called_converted():
    one = rewriter()
    for line in (
        b"  `a` text CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,\n",
        b"  `b` text CHARACTER SET latin1 COLLATE latin1_bin,\n",
        b") DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;\n",
    ):
        one.rewrite(line)
    assert one.converted == {"latin1_bin"}


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("mysql", "USE `other`;"),
        ("mysql", "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `other`;"),
        ("mysql", "/*!40000 DROP DATABASE IF EXISTS `other`*/;"),
        ("postgresql", "\\connect other"),
        ("postgresql", "CREATE DATABASE other WITH TEMPLATE = template0;"),
        ("postgresql", "-- PostgreSQL database cluster dump"),
    ],
)
def test_a_dump_that_names_databases_is_refused(name, line):
    with pytest.raises(OtherDatabaseError, match=r"other|cluster"):
        rewritten(f"{line}\n", name)


@pytest.mark.parametrize(
    "line",
    [
        "ALTER TABLE public.note OWNER TO bob;",
        "ALTER FUNCTION public.f(a integer) OWNER TO bob;",
        "GRANT SELECT ON TABLE public.note TO PUBLIC;",
        "REVOKE USAGE ON SCHEMA public FROM PUBLIC;",
        "ALTER DEFAULT PRIVILEGES FOR ROLE bob GRANT SELECT ON TABLES TO PUBLIC;",
        "SET SESSION AUTHORIZATION 'bob';",
        "SET transaction_timeout = 0;",
        "SET default_with_oids = false;",
        "SET default_tablespace = fast;",
        "CREATE SCHEMA public;",
        "COMMENT ON EXTENSION pg_trgm IS 'similarity';",
    ],
)
def test_owners_rights_and_settings_of_another_postgresql_are_left_out(line):
    kept = "CREATE TABLE public.note (\n    id integer\n);\n"
    assert rewritten(f"{line}\n{kept}", "postgresql") == kept


TEXTS = """CREATE FUNCTION public.f() RETURNS text
    LANGUAGE plpgsql
    AS $_$
BEGIN
ALTER TABLE note OWNER TO bob;
RETURN $$it's$$;
END $_$;
COMMENT ON TABLE public.note IS 'it''s a
GRANT ALL ON note TO bob;';
INSERT INTO public.note VALUES (1, '-- $x$
\\connect other
');
COPY public.note (id, text) FROM stdin;
1\tit's $$
GRANT ALL ON note TO bob;
\\.
"""


def test_what_is_inside_a_text_a_function_or_a_row_stays_as_it_is():
    assert rewritten(f"{TEXTS}GRANT ALL ON note TO bob;\n", "postgresql") == TEXTS


def test_extensions_are_left_out_and_named():
    one = rewriter("postgresql")
    assert one.rewrite(b"CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;\n") == b""
    assert one.rewrite(b'CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA public;\n') == b""
    assert one.extensions == {"pg_trgm", "uuid-ossp"}
