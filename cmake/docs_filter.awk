# Prepares a header for doxygen, which prints what it is given. Bodies, what is private and what is in a namespace `detail`
# are left out; what stands twice, for float and for double, becomes one template of T. The names of a header belong to the
# room that it lies in, and the header's own comment to the description of that room.
#
# Doxygen warns of what has no comment. These do without one of their own, and get what says as much:
#   an overload or operator right behind another, or the same of arrays, that one's; a member variable or a friend of a type with a comment, "See" that type;
#   an `override`, "See" the base; what a contract defines (below), "See" the contract.
# The rest, functions and types, must have one.
BEGIN {
    cell = "See the contract of cells, nn/sequence/cell.hpp."
    container = "As in the standard containers."
    split("initial_state step project prepare unroll parameters hidden_parts gate_names State T", names, " ")
    for (i in names) of_cells[names[i]] = cell
    split("begin end size empty value_type iterator_category difference_type", names, " ")
    for (i in names) of_containers[names[i]] = container
    printed = 1
}
{ lines[NR] = $0 }

# A line without comments, texts and characters, whose braces and parentheses can be counted.
function bare(line) {
    gsub(/\\./, "", line)
    gsub(/"[^"]*"/, "\"\"", line)
    gsub(/'[^']?'/, "' '", line)
    sub(/\/\/.*/, "", line)
    sub(/[ \t]+$/, "", line)
    return line
}
function depth_of(text, open, close_, copy) {
    copy = text
    return gsub(open, "", copy) - gsub(close_, "", text)
}
function room_of(path, parts, n, first, title) {
    sub(/\/[^\/]*$/, "", path)
    n = split(path, parts, "/")
    for (i = n; i >= 1; i--)
        if (parts[i] ~ /^(autograd|nn|optim)$/) first = i
    title = parts[first]
    for (i = first + 1; i <= n; i++) title = title "/" parts[i]
    return title
}
function skip_block(depth) {
    do {
        depth += depth_of(bare(lines[at]), "[{]", "[}]")
        at++
    } while (depth > 0 && at <= NR)
}
# The name that a declaration declares, and the kind of declaration.
function name_of(text, kind) {
    sub(/^template <.*> (requires .* )?/, "", text)
    if (kind == "type") {
        sub(/^.*(struct|class|enum class|enum|using|concept) +/, "", text)
        sub(/[^A-Za-z0-9_].*/, "", text)
        return text
    }
    if (text ~ /operator/) {
        sub(/^.*operator/, "operator", text)
        sub(/\(\)\(.*/, "()", text)
        if (text !~ /^operator\(\)/) sub(/\(.*/, "", text)
        return text
    }
    sub(/\(.*/, "", text)
    sub(/ *(=|\{).*/, "", text)
    sub(/;.*/, "", text)
    sub(/.*[ &*]/, "", text)
    return text
}
function twin_of(text) {
    gsub(/float/, "double", text)
    return text
}
function as_template(text) {
    gsub(/float/, "T", text)
    if (sub(/^template </, "template <class T, ", text)) return text
    return "template <class T> " text
}
# A comment in the form whose first sentence doxygen takes for the brief.
function block_of(comment) {
    if (comment == "" || comment ~ /[*]\//) return comment
    sub(/\n$/, "", comment)
    sub(/^\/\/\//, "/**", comment)
    gsub(/\n\/\/\/ ?/, "\n", comment)
    gsub(/ et al\. /, " et al.\\ ", comment)  # no end of a sentence
    return comment " */\n"
}
# Prints at the line where it stands in the header, so that doxygen's warnings name that.
function put(text, line, copy) {
    while (printed < line) {
        print ""
        printed++
    }
    print text
    printed += 1 + gsub(/\n/, "", text)
}
function flush() {
    if (held != "") put(block_of(held_comment) held, held_line)
    held = held_comment = ""
}
function emit(comment, text) {
    if (held != "" && comment == held_comment && text == twin_of(held) && text != held) {
        held = as_template(held)
        flush()
        return
    }
    flush()
    held = text
    held_comment = comment
    held_line = start
}
function inner_type() { return level > 0 && kind_at[level] == "type" }

# One declaration: its comment is what stands in front of it, or what says as much.
function declare(text, comment, adjacent, kind, name) {
    gsub(/[ \t\n]+/, " ", text)
    sub(/^ /, "", text)
    if (text ~ /= (delete|default);$/ || text ~ /^(extern template|template (<>|struct|class|[A-Z])|static_assert|friend (class|struct|void detail)|typename|namespace [a-z]+ =)/) return
    if (text ~ /^using ([A-Za-z:<>]*::)?[A-Za-z]+;$/ || text ~ /\) -> [A-Z][^{]*;$/ && text !~ /auto/) return
    if (text ~ /^(friend )?(template <[^{]*> )?(friend )?(struct|class) [A-Za-z]+;$/) return
    kind = text ~ /^(template <.*> )?(using|enum|concept|struct|class|requires .* concept) / ? "type" : "value"
    name = name_of(text, kind)
    type = text
    while (gsub(/<[^<>]*>/, "", type)) continue
    if (kind == "value" && type ~ /^[^=]*[(]/) kind = "function"
    if (comment == "" && adjacent && (name == last_name || name ~ /^operator/ && last_name ~ /^operator[^[(]/))
        comment = comment_of[level, last_name]
    if (comment == "" && text ~ /Array<T>/) comment = comment_of[level, name]
    if (comment == "" && title ~ /^nn/ && name in of_cells) comment = "/// " of_cells[name] "\n"
    if (comment == "" && inner_type() && name in of_containers) comment = "/// " of_containers[name] "\n"
    if (comment == "" && inner_type() && commented[level] && (kind == "value" || text ~ /friend /))
        comment = "/// See `" name_at[level] "`.\n"
    if (comment == "" && text ~ / override( |;|$)/) comment = "/// See `" base_at[level] "`.\n"
    # Doxygen says nothing of a concept without a comment, but it does of a constant.
    if (comment == "" && kind == "type") sub(/ concept /, " inline constexpr bool ", text)
    last_name = name
    comment_of[level, name] = comment
    if (kind == "value" && text ~ /^[A-Za-z:<>]+ [A-Za-z_]+(, [A-Za-z_]+)+;$/) {
        type = text
        sub(/ .*/, "", type)
        sub(/^[^ ]+ /, "", text)
        sub(/;/, "", text)
        count = split(text, each, /, /)
        for (k = 1; k <= count; k++) emit(comment, type " " each[k] ";")
        return
    }
    emit(comment, text)
}
# What of a declaration is not its body.
function without_body(text, place) {
    if (text ~ /^(template <.*> )?(enum|concept|requires)/ && text !~ /[)] *[{]/) return text
    if (text ~ /^(template <[^{]*> *)?(inline )?(static )?(constexpr |consteval )?[A-Za-z:<>_, 0-9*&]+ (= |\{)[^(]*;$/) return text
    if (match(text, /[)]( const| noexcept| override|&&|&| requires [^{]*)* *: [a-zA-Z_:<>]+[({]/)) {
        place = RSTART
        text = substr(text, 1, place) ";"
        return text
    }
    if (text ~ /}$/ && match(text, /[)][^(){}]*(requires [^{]*|-> [^{]*)?[{]/)) {
        place = RSTART + RLENGTH - 1
        text = substr(text, 1, place - 1)
        sub(/ +$/, "", text)
        return text ";"
    }
    return text
}
function operation(text, parts, form, rest) {
    form = text
    sub(/\(.*/, "", form)
    sub(/^[^(]*\(/, "", text)
    sub(/\)$/, "", text)
    split(text, parts, /, */)
    rest = "const Operand<T>& x"
    if (form ~ /BINARY/) rest = "const Operand<T>& a, const Operand<T>& b"
    if (form ~ /CHOICE/) rest = "const Operand<T>& condition, const Operand<T>& a, const Operand<T>& b"
    if (form ~ /WITH$/) rest = rest ", double " parts[3] " = " parts[4]
    if (form ~ /BOTH$/) rest = rest ", double " parts[3] ", double " parts[4]
    return "template <class T> Var<T> " parts[1] "(" rest ");"
}

# A guide page is printed as it is, with names for the headings that it refers to.
function page(all, anchor) {
    for (at = 1; at <= NR; at++) all = all lines[at]
    for (at = 1; at <= NR; at++) {
        line = lines[at]
        if (line ~ /^#+ /) {
            anchor = tolower(line)
            sub(/^#+ /, "", anchor)
            gsub(/[^a-z0-9 -]/, "", anchor)
            gsub(/ /, "-", anchor)
            if (index(all, "(#" anchor ")")) line = line " {#" anchor "}"
        }
        print line
    }
}

END {
    if (FILENAME !~ /\.hpp$/) {
        page()
        exit
    }
    title = room_of(FILENAME)
    id = title
    gsub(/\//, "_", id)
    header = FILENAME
    sub(/.*\//, "", header)
    header = title "/" header
    comment = ""
    level = 0
    at = 1
    while (at <= NR) {
        line = lines[at]
        if (!in_comment) start = at
        stripped = bare(line)
        sub(/^[ \t]+/, "", stripped)
        if (line ~ /^[ \t]*\/\/\/($|[^<])/) {
            if (!in_comment) comment = ""
            in_comment = 1
            sub(/^[ \t]+/, "", line)
            comment = comment line "\n"
            at++
            continue
        }
        in_comment = 0
        if (comment == "") start = at
        if (stripped == "") {
            if (line ~ /^[ \t]*$/) { last_name = ""; flush() }
            at++
            continue
        }
        if (stripped ~ /^#/) {
            if (comment == "" && text_of_header == "" || stripped !~ /^#define [A-Z]/ || stripped ~ /TAPELOOP_/) {
                if (stripped ~ /^#include/ && comment != "") text_of_header = comment
                while (lines[at] ~ /\\$/) at++
                at++
                comment = ""
                continue
            }
            flush()
            while (lines[at] ~ /\\$/) comment = comment lines[at++] "\n"
            put(comment lines[at++], start)
            comment = ""
            continue
        }
        if (stripped ~ /^(inline )?namespace/) {
            if (stripped ~ /detail|elementary|namespace xt|namespace \{|closed_form::detail/) {
                flush()
                comment = ""
                skip_block(0)
                continue
            }
            if (stripped ~ /;$/) { at++; continue }
            level++
            kind_at[level] = "namespace"
            flush()
            if (comment != "") text_of_header = comment
            gsub(/(^|\n)\/\/\/ ?/, "\n", text_of_header)
            if (text_of_header != "") text_of_header = "\n<b>" header "</b>\n" text_of_header
            put(stripped "\n/** \\addtogroup " id " " title "\n" text_of_header "@{ */", start)
            text_of_header = comment = ""
            at++
            continue
        }
        if (stripped ~ /^\}/) {
            flush()
            put((kind_at[level] == "namespace" ? "/** @} */\n" : "") stripped, start)
            level--
            comment = ""
            last_name = ""
            at++
            continue
        }
        if (stripped ~ /^(public|protected|private):$/) {
            flush()
            access[level] = stripped
            if (stripped != "private:") put(stripped, start)
            comment = ""
            at++
            continue
        }
        if (stripped ~ /^TAPELOOP_/) {
            text = stripped
            while (depth_of(text, "[(]", "[)]") > 0) text = text " " bare(lines[++at])
            at++
            if (text ~ /^TAPELOOP_(RECORDED_)?(UNARY|BINARY|CHOICE)/) {
                flush()
                put(block_of(comment) operation(text), start)
            }
            comment = ""
            continue
        }
        # A declaration, as far as it goes, or the head of a type.
        text = ""
        raw = ""
        own = 0
        while (at <= NR) {
            piece = bare(lines[at])
            sub(/^[ \t]+/, "", piece)
            original = lines[at]
            if (comment == "" && original ~ /\/\/\/</) {
                comment = original
                sub(/.*\/\/\/< */, "/// ", comment)
                comment = comment "\n"
                own = 1
            }
            sub(/^[ \t]+/, "", original)
            text = text (text == "" ? "" : " ") piece
            if (original !~ /^\/\//) raw = raw (raw == "" ? "" : "\n") original
            at++
            head = text ~ /^(template <.*> )?(requires .* )?(struct|class|union) [^;()]*[{]$/ || text ~ /^(template <.*> )?(requires .* )?(struct|class) [^;]*[{]$/
            if (head && depth_of(text, "[{]", "[}]") == 1) break
            head = 0
            if (depth_of(text, "[(]", "[)]") == 0 && depth_of(text, "[{]", "[}]") == 0 && text ~ /[;}]$/) {
                # Requirements are left out where they are a list.
                if (!sub(/requires requires ?[(][^{]*[{][^}]*[}]$/, "", text)) break
                raw = text
            }
        }
        hidden = level > 0 && kind_at[level] == "type" && access[level] == "private:"
        if (head) {
            if (hidden || text ~ /^template <> /) {
                flush()
                skip_block(1)
                comment = ""
                continue
            }
            flush()
            level++
            kind_at[level] = "type"
            name_at[level] = name_of(text, "type")
            base = text
            base_at[level] = base ~ / : / ? base : name_at[level]
            sub(/.* : (public )?/, "", base_at[level])
            sub(/[^A-Za-z0-9_:].*/, "", base_at[level])
            commented[level] = comment != ""
            access[level] = text ~ /class [A-Za-z]/ && text !~ /(struct) [A-Z]/ ? "private:" : "public:"
            put(block_of(comment) text, start)
            comment = ""
            last_name = ""
            continue
        }
        if (!hidden) {
            if (text ~ /^enum /) {
                if (own) comment = ""
                flush()
                put(block_of(comment) raw, start)
            } else if (own) {
                declare(without_body(text), comment, 0)
            } else declare(without_body(text), comment, last_name != "")
        }
        comment = ""
    }
    flush()
}
