"""Sections of a Markdown file that programs write."""


def replace_section(path, title, text):
    """Puts `text` under the heading `## title`, in the place of what is there or at the end."""
    head = f"## {title}\n"
    old = path.read_text() if path.exists() else "# Results\n"
    before, _, after = old.partition(head)
    following = after.find("\n## ")
    rest = after[following:] if following >= 0 else ""
    path.write_text(before.rstrip() + f"\n\n{head}\n{text}{rest}")
