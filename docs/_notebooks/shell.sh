# What bash reads before a cell of a notebook when the site is built: results and log are one stream. Programs that the cell starts keep
# the two apart.
unset BASH_ENV
exec 2>&1
