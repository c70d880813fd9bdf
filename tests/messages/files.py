"""Saving and loading, and files from strangers: those of tests/reliability/corpus.py, and a few more."""

from __future__ import annotations

from reliability.corpus import CORPUS

from .case import Case, sees, tells

NOT_TORCHS = "torch reads it, or has another error for it"
READ = "import io\nfrom reliability.{module} import {names}\ntorch.load(io.BytesIO({made}))"


def pickled(code: str, *shown: str) -> Case:
    """A file whose pickle has these instructions."""
    made = f"with_pickle(b'\\x80\\2' + {code} + b'.')"
    return sees(READ.format(module="hostile", names="with_pickle", made=made), *shown, ours=NOT_TORCHS)


def stranger(i: int) -> Case:
    """The i-th file of the corpus."""
    program = f"# {CORPUS[i][0]}\n" + READ.format(module="corpus", names="CORPUS", made=f"CORPUS[{i}][1]()")
    return tells(program, CORPUS[i][2], "the file itself is what was given", ours=NOT_TORCHS)


SAVING = [
    sees("torch.save(x, 'nowhere/file')", "nowhere"),
    sees("import os; os.mkdir('here'); torch.save(x, 'here')", "here"),
    tells("torch.save(x, 'file', _use_new_zipfile_serialization=False)", "zip files", "minigrad's own limit",
          ours="torch writes its old format, too"),
    sees("torch.save(x, 5)", "int"),
    sees("a = np.zeros(2); torch.save([torch.from_numpy(a), torch.from_numpy(a.view(np.int64))], 'file')", "float64",
         "int64"),
]
LOADING = [
    tells("import pickle; torch.save(x, 'file'); torch.load('file', pickle_module=pickle, weights_only=True)",
          "pickle_module", "the two arguments say it all"),
    tells("import io; torch.load(io.StringIO('red'))", "text", "the message says in words what was given",
          ours=NOT_TORCHS),
    sees("open('file', 'w').close(); torch.load('file')", "file is empty"),
    sees("open('file', 'w').write('red'); torch.load('file')", "file", "b'red'", ours=NOT_TORCHS),
    sees("torch.save(x, 'file'); torch.load('file', map_location=lambda storage, place: 5)", "int", ours=NOT_TORCHS),
    sees("torch.save(x, 'file'); torch.load('file', map_location='toaster')", "'toaster'"),
    sees("open('file', 'wb').write(b'PK\\3\\4red'); torch.load('file')", "file", ours=NOT_TORCHS),
    sees("from reliability.hostile import with_pickle\n"
         "open('file', 'wb').write(with_pickle(b'\\x80\\2ctorch\\nNoSuchThing\\n.'))\n"
         "torch.load('file', weights_only=False)", "torch.NoSuchThing", ours=NOT_TORCHS),
    sees("import io; from reliability.hostile import with_pickle\n"
         "used = b'(X\\7\\0\\0\\0storagectorch\\n%sStorage\\nX\\1\\0\\0\\x000X\\3\\0\\0\\0cpuK\\x18tQ'\n"
         "torch.load(io.BytesIO(with_pickle(b'\\x80\\2' + used % b'Float' + used % b'Int' + b'.', base=1)))",
         "'data/0'", ours=NOT_TORCHS),
    sees("import zipfile; zipfile.ZipFile('file', 'w').writestr('a/constants.pkl', b''); torch.load('file')", "file",
         ours=NOT_TORCHS),
]
STRANGERS = [
    pickled("b'ctorch\\nBFloat16Storage\\n'", "torch.bfloat16"),
    pickled("b'ctorch._tensor\\n_rebuild_from_type_v2\\n(NNNNtR'", "None"),
    pickled("b'c_codecs\\nencode\\nX\\1\\0\\0\\0aX\\4\\0\\0\\0utf8\\x86R'", "'utf8'"),
    pickled("b'}K\\1\\x85R'", "dict"),
    *[stranger(i) for i in range(len(CORPUS))],
]
CASES = [*SAVING, *LOADING, *STRANGERS]
