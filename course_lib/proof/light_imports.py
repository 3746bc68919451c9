"""Keep one slow import out of the test process; a pytest plugin, loaded before nbval.

nbformat imports jsonschema, and jsonschema, where JupyterLab is installed,
imports rfc3987_syntax, which compiles grammars for a second or more
(jsonschema#1428). They are for one format of text, `iri`, which no notebook
has. A package that is None cannot be imported, and jsonschema does without it.
"""

import sys

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
