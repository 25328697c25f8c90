"""Office documents: Word, slides, workbooks, OpenDocument and RTF."""
