# Prepares a header for doxygen, which prints what it is given: what stands twice, for float and for double, becomes one
# template of T, and instantiations are left out. The names of a header belong to the room that it lies in.
BEGIN { room = "" }
FNR == 1 {
    room = FILENAME
    sub(/\/[^\/]*$/, "", room)
    n = split(room, parts, "/")
    first = 1
    for (i = n; i >= 1; i--) if (parts[i] == "autograd" || parts[i] == "nn" || parts[i] == "optim") { first = i }
    title = parts[first]
    for (i = first + 1; i <= n; i++) title = title "/" parts[i]
    id = title
    gsub(/\//, "_", id)
    held = ""
    statement = ""
}
function flush_held() {
    if (held != "") print held
    held = ""
}
function as_template(text, copy) {
    copy = text
    gsub(/float/, "T", copy)
    return "template <class T>\n" copy
}
function twin_of(text, copy) {
    copy = text
    gsub(/float/, "double", copy)
    return copy
}
/^namespace tapeloop/ && !/detail/ {
    flush_held()
    print
    printf "/** \\addtogroup %s %s\n @{ */\n", id, title
    next
}
/^}  \/\/ namespace tapeloop/ && !/detail/ {
    flush_held()
    print "/** @} */"
    print
    next
}
# A statement that begins at the left edge and speaks of float or double is gathered whole.
statement == "" && /^(extern template|template (<>|Array|Var|class|struct))/ && !/^template </ { skipping = 1 }
skipping {
    if (/;[ \t]*$/) skipping = 0
    next
}
statement == "" && /^[A-Za-z].*(<float>|<double>)/ && !/[{][ \t]*$/ && !/^(using|template|struct|class|namespace|concept|inline)/ {
    statement = $0
}
statement != "" {
    if (statement != $0) statement = statement "\n" $0
    if ($0 ~ /;[ \t]*$/) {
        if (held != "" && statement == twin_of(held)) {
            print as_template(held)
            held = ""
        } else {
            flush_held()
            held = statement
        }
        statement = ""
    }
    next
}
{
    if (held != "" && $0 !~ /^[ \t]*$/) flush_held()
    if (held == "") print
}
END { flush_held() }
