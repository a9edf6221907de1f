"""A gallery at an address: the same records as in SQLite, in LanceDB's tables, in a folder or on object storage.

Tables of a gallery: `gallery` (one row: what it is, its folders, whose turn it is to write), `pictures`, `failures`,
and for each fingerprint one of vectors. A vector's row holds its picture's path, tags and date too, so that a search
filters in the engine. Nothing of LanceDB is imported before an address is opened.

Each table changes in one commit of Lance's, but no commit spans two. So writers take turns (`turns`), and write in an
order in which every prefix is a gallery of which some pictures are to be indexed: a vector never belongs to another
content than its picture's row says.
"""
