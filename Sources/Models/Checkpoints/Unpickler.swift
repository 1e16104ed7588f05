/// Reads a pickle of protocol 2 as `torch.save` writes it; rejects what a state dict does not need.
///
/// A pickle is a program for a stack machine. Here it can only build plain data: it may name only the Python objects of
/// `PickleGlobal`, and no Python code runs. Source: CPython `Lib/pickletools.py`.
struct Unpickler {
    private var reader: ByteReader
    private var stack: [PickleValue] = []
    /// The height of the stack at each MARK instruction that is still open, oldest first.
    private var marks: [Int] = []
    private var memo: [UInt32: PickleValue] = [:]
    private var heap = PickleHeap()
    private let isScript: Bool

    /// The largest accepted pickle in bytes, which bounds memory; a CLIP model's state dict has 0.1 MB of pickle.
    private static let sizeLimit = 8 << 20

    /// Reads the pickle that starts at the lower bound of `range`; returns its values and the offset of its end.
    ///
    /// With `isScript`, TorchScript classes are accepted and become objects that only have attributes.
    static func read(
        _ file: MappedFile, _ range: Range<Int>, isScript: Bool = false
    ) throws(CheckpointError) -> (heap: PickleHeap, end: Int) {
        let shorter = range.lowerBound..<range.lowerBound + min(range.count, sizeLimit)
        let what = shorter == range ? "the pickle" : "the pickle, of which at most \(sizeLimit) bytes are read,"
        var machine = Unpickler(reader: try ByteReader(file, shorter, what: what), isScript: isScript)
        while try machine.step() {}
        return (machine.heap, machine.reader.offset)
    }

    private init(reader: ByteReader, isScript: Bool) { (self.reader, self.isScript) = (reader, isScript) }

    /// Runs the next pickle instruction; returns false after STOP, the last one.
    private mutating func step() throws(CheckpointError) -> Bool {
        let code = try reader.integer(UInt8.self)
        switch code {
        case 0x80:  // PROTO
            let version = try reader.integer(UInt8.self)
            guard version <= 2 else {
                throw malformed("the pickle is of protocol \(version); torch.save writes protocol 2")
            }
        case UInt8(ascii: "."):
            heap.result = try pop()
            return false
        case UInt8(ascii: "("): marks.append(stack.count)
        case UInt8(ascii: "N"): stack.append(.none)
        case 0x88: stack.append(.flag(true))
        case 0x89: stack.append(.flag(false))
        case UInt8(ascii: "K"): stack.append(.integer(Int(try reader.integer(UInt8.self))))
        case UInt8(ascii: "M"): stack.append(.integer(Int(try reader.integer(UInt16.self))))
        case UInt8(ascii: "J"): stack.append(.integer(Int(try reader.integer(Int32.self))))
        case 0x8A: stack.append(.integer(try longInteger()))
        case UInt8(ascii: "G"):
            stack.append(.real(Double(bitPattern: UInt64(bigEndian: UInt64(littleEndian: try reader.integer())))))
        case UInt8(ascii: "X"):
            let length = Int(try reader.integer(UInt32.self))
            stack.append(.text(String(decoding: try reader.bytes(length), as: UTF8.self)))
        case UInt8(ascii: "q"): memo[UInt32(try reader.integer(UInt8.self))] = try top()
        case UInt8(ascii: "r"): memo[try reader.integer()] = try top()
        case UInt8(ascii: "h"): stack.append(try remembered(UInt32(try reader.integer(UInt8.self))))
        case UInt8(ascii: "j"): stack.append(try remembered(try reader.integer()))
        default: try build(code)
        }
        return true
    }

    /// Runs an instruction that creates or fills a container, or calls a Python name.
    private mutating func build(_ code: UInt8) throws(CheckpointError) {
        switch code {
        case UInt8(ascii: ")"): stack.append(.tuple(0))
        case 0x85, 0x86, 0x87:  // TUPLE1, TUPLE2, TUPLE3
            var items: [PickleValue] = []
            for _ in 0..<(code - 0x84) { items.append(try pop()) }
            push(tuple: items.reversed())
        case UInt8(ascii: "t"): push(tuple: try popToMark())
        case UInt8(ascii: "]"):
            heap.lists.append([])
            stack.append(.list(heap.lists.count - 1))
        case UInt8(ascii: "a"):
            let item = try pop()
            try append([item])
        case UInt8(ascii: "e"): try append(try popToMark())
        case UInt8(ascii: "}"): pushDictionary()
        case UInt8(ascii: "s"):
            let value = try pop()
            let key = try pop()
            try set([key, value])
        case UInt8(ascii: "u"): try set(try popToMark())
        case UInt8(ascii: "c"): stack.append(.global(try global()))
        case UInt8(ascii: "R"):
            let arguments = try pop()
            try call(try pop(), try items(arguments, "the arguments of a call"))
        case UInt8(ascii: "Q"): try loadStorage(try pop())
        case 0x81 where isScript:  // NEWOBJ
            let arguments = try pop()
            guard case .tuple = arguments, case .global(.module) = try pop() else {
                throw malformed("the pickle makes an object that is no module of TorchScript: it is refused")
            }
            heap.objects.append(nil)
            stack.append(.object(heap.objects.count - 1))
        case UInt8(ascii: "b"):
            if isScript, stack.count > (marks.last ?? 0) + 1, case .object(let object) = stack[stack.count - 2] {
                guard case .dictionary(let attributes) = try pop() else {
                    throw malformed("the pickle gives a module attributes that are no dictionary")
                }
                heap.objects[object] = attributes
                return
            }
            // A state dict's `_metadata`: versions of its modules, of no use here.
            guard case .dictionary = try pop(), case .dictionary = try top() else {
                throw malformed(
                    "the pickle's BUILD sets the state of an object, which no state dict needs: it is refused")
            }
        default:
            throw malformed(
                "the pickle has the instruction \(PickleOpcode.name(code)), which no state dict needs: it is refused")
        }
    }

    private mutating func global() throws(CheckpointError) -> PickleGlobal {
        let module = String(decoding: try reader.line(), as: UTF8.self)
        let name = String(decoding: try reader.line(), as: UTF8.self)
        if isScript {
            if module == "__torch__" || module.hasPrefix("__torch__.") { return .module }
            if module == "torch.jit._pickle" { return .typed }
        }
        guard let known = PickleGlobal(module: module, name: name) else {
            throw malformed(
                "the pickle asks for Python's \(quoted("\(module).\(name)")), which no state dict needs: it is refused"
                    + " and nothing was run; save the weights alone, with torch.save(model.state_dict(), …)")
        }
        return known
    }

    private mutating func call(_ function: PickleValue, _ arguments: [PickleValue]) throws(CheckpointError) {
        guard case .global(let name) = function else {
            throw malformed("the pickle's REDUCE calls \(function.kind), which is refused")
        }
        switch name {
        case .orderedDictionary:
            guard arguments.isEmpty else { throw malformed("the pickle makes an OrderedDict in an unknown way") }
            pushDictionary()
        case .rebuildTensor:
            guard (6...7).contains(arguments.count), case .storage(let storage) = arguments[0],
                case .integer(let offset) = arguments[1]
            else { throw malformed("the pickle calls _rebuild_tensor_v2 with arguments that make no tensor") }
            heap.tensors.append(
                PickleTensor(
                    storage: heap.storages[storage], offset: offset, shape: try integers(arguments[2]),
                    strides: try integers(arguments[3])))
            stack.append(.tensor(heap.tensors.count - 1))
        case .rebuildParameter:
            guard let data = arguments.first, case .tensor = data else {
                throw malformed("the pickle calls _rebuild_parameter with arguments that make no parameter")
            }
            stack.append(data)
        case .typed:
            // Lists that TorchScript marks with their type: `build_intlist(list)`, `restore_type_tag(value, type)`.
            guard let first = arguments.first else { throw malformed("the pickle marks nothing with a type") }
            stack.append(first)
        case .storage: throw malformed("the pickle's REDUCE calls a storage class, which is refused")
        case .module: throw malformed("the pickle's REDUCE calls a class of TorchScript, which is refused")
        }
    }

    /// Pushes the storage with the identity `('storage', class, key, location, count)`; throws for anything else.
    ///
    /// Older files have a sixth item, which must be None.
    private mutating func loadStorage(_ identity: PickleValue) throws(CheckpointError) {
        let parts = try items(identity, "a storage's identity")
        guard parts.count == 5 || parts.count == 6, case .text("storage") = parts[0],
            case .global(.storage(let type)) = parts[1], case .text(let key) = parts[2], case .text = parts[3],
            case .integer(let count) = parts[4]
        else { throw malformed("the pickle's BINPERSID names no storage of numbers") }
        if parts.count == 6 {
            guard case .none = parts[5] else { throw malformed("the pickle has a view of a storage, which is refused") }
        }
        guard count >= 0 else { throw malformed("the storage \(quoted(key)) claims \(count) elements") }
        heap.storages.append(PickleStorage(key: key, type: type, count: count))
        stack.append(.storage(heap.storages.count - 1))
    }
}

// The operations of the stack machine.
extension Unpickler {
    private mutating func pop() throws(CheckpointError) -> PickleValue {
        guard stack.count > marks.last ?? 0, let value = stack.popLast() else {
            throw malformed("the pickle takes a value from an empty stack")
        }
        return value
    }

    private func top() throws(CheckpointError) -> PickleValue {
        guard stack.count > marks.last ?? 0, let value = stack.last else {
            throw malformed("the pickle takes a value from an empty stack")
        }
        return value
    }

    private mutating func popToMark() throws(CheckpointError) -> [PickleValue] {
        guard let mark = marks.popLast() else { throw malformed("the pickle goes back to a mark that it never set") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private func remembered(_ number: UInt32) throws(CheckpointError) -> PickleValue {
        guard let value = memo[number] else {
            throw malformed("the pickle goes back to value \(number), which it never remembered")
        }
        return value
    }

    private mutating func push(tuple items: [PickleValue]) {
        heap.tuples.append(items)
        stack.append(.tuple(heap.tuples.count - 1))
    }

    private mutating func pushDictionary() {
        heap.dictionaries.append([])
        stack.append(.dictionary(heap.dictionaries.count - 1))
    }

    private mutating func append(_ items: [PickleValue]) throws(CheckpointError) {
        guard case .list(let list) = try top() else { throw malformed("the pickle appends to \(try top().kind)") }
        heap.lists[list] += items
    }

    private mutating func set(_ items: [PickleValue]) throws(CheckpointError) {
        guard case .dictionary(let dictionary) = try top() else {
            throw malformed("the pickle sets an item of \(try top().kind)")
        }
        guard items.count.isMultiple(of: 2) else { throw malformed("the pickle sets a key without a value") }
        for i in stride(from: 0, to: items.count, by: 2) {
            heap.dictionaries[dictionary].append((key: items[i], value: items[i + 1]))
        }
    }

    private func items(_ value: PickleValue, _ what: String) throws(CheckpointError) -> [PickleValue] {
        guard case .tuple(let tuple) = value else { throw malformed("the pickle gives \(value.kind) as \(what)") }
        return heap.tuples[tuple]
    }

    /// Converts a tuple of integers, a tensor's sizes or strides, to an array; throws for anything else.
    private func integers(_ value: PickleValue) throws(CheckpointError) -> [Int] {
        let items = try items(value, "a tensor's sizes")
        guard items.count <= TensorInfo.rankLimit else { throw malformed("a tensor has \(items.count) dimensions") }
        var integers: [Int] = []
        for item in items {
            guard case .integer(let size) = item else { throw malformed("a tensor has \(item.kind) among its sizes") }
            integers.append(size)
        }
        return integers
    }

    /// Reads the operand of LONG1: a length byte, then a little-endian two's complement integer of up to 8 bytes.
    private mutating func longInteger() throws(CheckpointError) -> Int {
        let length = Int(try reader.integer(UInt8.self))
        let bytes = try reader.bytes(length)
        guard length <= 8 else { throw malformed("the pickle has an integer of \(length) bytes") }
        var value = UInt64(bitPattern: (bytes.last ?? 0) >= 0x80 ? -1 : 0)
        for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
        return Int(Int64(bitPattern: value))
    }

    private func malformed(_ what: String) -> CheckpointError { CheckpointError(reader.file.path, .malformed(what)) }
}
