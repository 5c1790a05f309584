"""For PyInstaller: a program that has Onecopy has all of it. Some modules are loaded by name."""

from PyInstaller.utils.hooks import collect_submodules, copy_metadata

hiddenimports = collect_submodules("onecopy", filter=lambda name: "_pyinstaller" not in name)
datas = copy_metadata("onecopy")
