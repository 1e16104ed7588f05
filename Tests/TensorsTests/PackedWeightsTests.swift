import Foundation
import Tensors
import TestSupport
import Testing

@Suite("Packed weights on disk")
struct PackedWeightsTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "watchword-packed-\(UUID())")
    // Large enough to be worth a file.
    private let k = 2048
    private let n = 2304

    private func layer(_ packed: PackedWeights?, _ precision: Precision, weight: () throws -> [Float]) throws -> Linear
    {
        try Linear(
            name: "a", weight: weight, bias: nil, inputs: k, outputs: n, precision: precision, packed: packed)
    }

    private func weights() -> [Float] { (0..<k * n).map { Float(($0 &* 7919) % 101 - 50) / 500 } }

    private func result(_ layer: Linear, _ precision: Precision) throws -> [Float] {
        let (input, scratch, out) = (Activations(columns: k), Activations(columns: n), Matrix(rows: 3, columns: n))
        input.convert(Matrix((0..<3 * k).map { Float($0 % 13) - 6 }, columns: k), as: .plain(precision))
        try layer(input, into: out, scratch: scratch)
        return out.values
    }

    private struct Read: Error {}

    /// The kilobytes of the file that are resident in this process.
    private func resident() throws -> Int {
        // `String(contentsOfFile:)` takes what one read gives of such a file.
        let maps = try FileHandle(forReadingFrom: URL(filePath: "/proc/self/smaps")).readToEnd() ?? Data()
        var (isOurs, total) = (false, 0)
        for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.first?.hasSuffix(":") == false { isOurs = line.contains(folder.lastPathComponent) }
            if isOurs, words.first == "Rss:", words.count > 1 { total += Int(words[1]) ?? 0 }
        }
        return total
    }

    @Test("are used instead of the weights, and compute the same", arguments: [Precision.f32, .bf16, .int8])
    func used(_ precision: Precision) throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        var expected: [Float] = []
        // int8's single layer is smaller than what is worth a file: four of it are not.
        for round in 0..<2 {
            let packed = PackedWeights(folder: folder, model: "m", key: "k")
            for index in 0..<4 {
                let layer = try Linear(
                    name: "\(index)",
                    weight: {
                        if round == 1 { throw Read() }
                        return weights()
                    }, bias: nil, inputs: k, outputs: n, precision: precision, packed: packed)
                let found = try result(layer, precision)
                #expect(round == 0 || found == expected)
                expected = found
            }
            packed.save()
        }
    }

    @Test(
        "are ignored and written anew when anything in the file is not as expected", arguments: [0, 9, 17, 40, -1, -2])
    func damaged(_ place: Int) throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "m.packed")
        func start(key: String = "k") throws -> Bool {
            var read = false
            let packed = PackedWeights(folder: folder, model: "m", key: key)
            _ = try layer(packed, .f32) {
                read = true
                return weights()
            }
            packed.save()
            return read
        }
        #expect(try start())
        #expect(try !start())
        if place == -1 {
            #expect(try start(key: "another oneDNN"))
        } else if place == -2 {
            try FileHandle(forWritingTo: file).truncate(atOffset: 1 << 20)
        } else {
            var bytes = try Data(contentsOf: file)
            bytes[place] ^= 0x55
            try bytes.write(to: file)
        }
        #expect(try start())
        #expect(try !start())
    }

    @Test("a tower is made from what was kept of it, and computes the same after a rest")
    func towers() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        var (made, read) = (0, 0)
        func tower(in folder: URL) throws -> (layer: Linear, packed: PackedWeights?) {
            try PackedWeights.tower({ PackedWeights(folder: folder, model: "m", key: "k") }) { packed in
                made += 1
                let layer = try layer(packed, .f32) {
                    read += 1
                    return weights()
                }
                return (layer, packed)
            }
        }
        let first = try tower(in: folder)
        #expect(made == 2 && read == 1)
        let expected = try result(first.layer, .f32)
        let held = try resident()
        #expect(held >= k * n * 4 / 1024)
        first.packed?.releaseMemory()
        #expect(try resident() == 0)
        #expect(try result(first.layer, .f32) == expected)
        let second = try tower(in: folder)
        #expect(made == 3 && read == 1)
        #expect(try result(second.layer, .f32) == expected)
        // Where nothing can be kept, what was packed is used.
        let third = try tower(in: URL(filePath: "/proc/nowhere"))
        third.packed?.releaseMemory()
        #expect(made == 4 && read == 2)
        #expect(try result(third.layer, .f32) == expected)
    }

    @Test("cost nothing but time where the disk does not take them")
    func unwritable() throws {
        let packed = PackedWeights(folder: URL(filePath: "/proc/nowhere"), model: "m", key: "k")
        let layer = try layer(packed, .f32) { weights() }
        packed.save()
        #expect(try result(layer, .f32).contains { $0 != 0 })
    }
}
