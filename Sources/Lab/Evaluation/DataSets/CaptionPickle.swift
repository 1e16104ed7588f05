import Foundation

/// Reads MSVD's `raw-captions.pkl`: a dictionary of lists of captions, each a list of words.
///
/// A Python pickle is a program for a stack machine. This reader runs only instructions that build strings, lists and
/// dictionaries, so an untrusted file can run no code. Source: CPython `Lib/pickletools.py`, protocols 0 to 4.
struct CaptionPickle {
    /// A value on the stack of the pickle's stack machine.
    ///
    /// Lists and dictionaries are indices into arrays, so that deep nesting or cycles in a file cannot exhaust or leak
    /// memory.
    private enum Value {
        case text(String), list(Int), dictionary(Int), other
    }

    private let path: String
    private let bytes: [UInt8]
    private var at = 0
    private var stack: [Value] = []
    private var marks: [Int] = []
    private var memo: [Int: Value] = [:]
    private var lists: [[Value]] = []
    private var dictionaries: [[(key: Value, value: Value)]] = []

    /// Reads the file; returns each video's captions, every caption as a list of words.
    static func read(_ url: URL) throws(DataSetError) -> [String: [[String]]] {
        var machine = CaptionPickle(path: url.path, bytes: [UInt8](try DataSetFile.data(url)))
        while try machine.step() {}
        return try machine.captions()
    }

    private init(path: String, bytes: [UInt8]) { (self.path, self.bytes) = (path, bytes) }

    fileprivate func malformed(_ what: String) -> DataSetError { DataSetError(path, "the pickle \(what)") }

    private func captions() throws(DataSetError) -> [String: [[String]]] {
        guard case .dictionary(let top)? = stack.last else { throw malformed("holds no dictionary") }
        var captions: [String: [[String]]] = [:]
        for (key, value) in dictionaries[top] {
            guard case .text(let id) = key, case .list(let sentences) = value else {
                throw malformed("has an entry that is no list of captions")
            }
            var all: [[String]] = []
            for sentence in lists[sentences] {
                guard case .list(let words) = sentence else {
                    throw malformed("has a caption that is no list of words")
                }
                var caption: [String] = []
                for word in lists[words] {
                    guard case .text(let text) = word else { throw malformed("has a word that is no string") }
                    caption.append(text)
                }
                all.append(caption)
            }
            captions[id] = all
        }
        return captions
    }

    /// Runs one instruction of the pickle; returns false after the last one.
    private mutating func step() throws(DataSetError) -> Bool {
        let code = try byte()
        switch code {
        case UInt8(ascii: "."): return false
        case 0x80: _ = try byte()  // PROTO
        case 0x95: _ = try take(8)  // FRAME
        case UInt8(ascii: "("): marks.append(stack.count)
        case UInt8(ascii: "X"), UInt8(ascii: "T"): stack.append(.text(try string(try length(4))))
        case 0x8C, UInt8(ascii: "U"): stack.append(.text(try string(try length(1))))
        case 0x8D: stack.append(.text(try string(try length(8))))
        case UInt8(ascii: "V"): stack.append(.text(try PickleText.unicode(try rawLine(), malformed)))
        case UInt8(ascii: "S"): stack.append(.text(try PickleText.literal(try rawLine(), malformed)))
        case UInt8(ascii: "K"), UInt8(ascii: "M"), UInt8(ascii: "J"), UInt8(ascii: "G"):
            _ = try take([UInt8(ascii: "K"): 1, UInt8(ascii: "M"): 2, UInt8(ascii: "J"): 4][code] ?? 8)
            stack.append(.other)
        case UInt8(ascii: "I"), UInt8(ascii: "F"), UInt8(ascii: "L"):
            _ = try line()
            stack.append(.other)
        case UInt8(ascii: "N"), 0x88, 0x89: stack.append(.other)
        case UInt8(ascii: "q"): memo[try length(1)] = try top()
        case UInt8(ascii: "r"): memo[try length(4)] = try top()
        case UInt8(ascii: "p"): memo[try number()] = try top()
        case 0x94: memo[memo.count] = try top()
        case UInt8(ascii: "h"): stack.append(try remembered(try length(1)))
        case UInt8(ascii: "j"): stack.append(try remembered(try length(4)))
        case UInt8(ascii: "g"): stack.append(try remembered(try number()))
        case UInt8(ascii: "0"): _ = try pop()
        default: try build(code)
        }
        return true
    }

    private mutating func build(_ code: UInt8) throws(DataSetError) {
        switch code {
        case UInt8(ascii: "]"), UInt8(ascii: ")"): push(list: [])
        case UInt8(ascii: "l"), UInt8(ascii: "t"): push(list: try popToMark())
        case 0x85, 0x86, 0x87:  // TUPLE1, TUPLE2, TUPLE3
            var items: [Value] = []
            for _ in 0..<(code - 0x84) { items.append(try pop()) }
            push(list: items.reversed())
        case UInt8(ascii: "a"):
            let item = try pop()
            try append([item])
        case UInt8(ascii: "e"): try append(try popToMark())
        case UInt8(ascii: "}"): pushDictionary()
        case UInt8(ascii: "d"):
            let items = try popToMark()
            pushDictionary()
            try set(items)
        case UInt8(ascii: "s"):
            let value = try pop()
            let key = try pop()
            try set([key, value])
        case UInt8(ascii: "u"): try set(try popToMark())
        default:
            let shown = String(code, radix: 16)
            throw malformed(
                "has the instruction 0x\(shown), which no captions need: it is refused, and nothing was run")
        }
    }

    private mutating func push(list items: [Value]) {
        lists.append(items)
        stack.append(.list(lists.count - 1))
    }

    private mutating func pushDictionary() {
        dictionaries.append([])
        stack.append(.dictionary(dictionaries.count - 1))
    }

    private mutating func append(_ items: [Value]) throws(DataSetError) {
        guard case .list(let list) = try top() else { throw malformed("appends to what is no list") }
        lists[list] += items
    }

    private mutating func set(_ items: [Value]) throws(DataSetError) {
        guard case .dictionary(let dictionary) = try top(), items.count.isMultiple(of: 2) else {
            throw malformed("sets entries of what is no dictionary")
        }
        for i in stride(from: 0, to: items.count, by: 2) {
            dictionaries[dictionary].append((items[i], items[i + 1]))
        }
    }

    private func top() throws(DataSetError) -> Value {
        guard stack.count > marks.last ?? 0, let value = stack.last else {
            throw malformed("needs a value that is not there")
        }
        return value
    }

    private mutating func pop() throws(DataSetError) -> Value {
        let value = try top()
        stack.removeLast()
        return value
    }

    private mutating func popToMark() throws(DataSetError) -> [Value] {
        guard let mark = marks.popLast() else { throw malformed("goes back to a mark that it never set") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private func remembered(_ number: Int) throws(DataSetError) -> Value {
        guard let value = memo[number] else { throw malformed("goes back to a value that it never remembered") }
        return value
    }

    // MARK: Bytes

    private mutating func byte() throws(DataSetError) -> UInt8 { try take(1)[at - 1] }

    private mutating func take(_ count: Int) throws(DataSetError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.count - at else { throw malformed("is cut short") }
        at += count
        return bytes[at - count..<at]
    }

    /// Reads a length from the pickle, stored as a little-endian number of `size` bytes.
    private mutating func length(_ size: Int) throws(DataSetError) -> Int {
        let value = try take(size).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let length = Int(exactly: value) else { throw malformed("claims a string beyond any file") }
        return length
    }

    private mutating func string(_ length: Int) throws(DataSetError) -> String {
        String(decoding: try take(length), as: UTF8.self)
    }

    private mutating func line() throws(DataSetError) -> String { String(decoding: try rawLine(), as: UTF8.self) }

    private mutating func rawLine() throws(DataSetError) -> ArraySlice<UInt8> {
        guard let end = bytes[at...].firstIndex(of: UInt8(ascii: "\n")) else { throw malformed("is cut short") }
        defer { at = end + 1 }
        return bytes[at..<end]
    }

    private mutating func number() throws(DataSetError) -> Int {
        guard let number = Int(try line()) else { throw malformed("has a number that is none") }
        return number
    }
}
