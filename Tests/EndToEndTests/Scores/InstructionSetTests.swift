import Foundation
import TestSupport
import Testing
import WireFormat

/// Tests the results of older CPUs: oneDNN's variable limits the instructions, also of Watchword's own kernels.
@Suite("Instruction sets")
struct InstructionSetTests {
    private func embedded(_ precision: String, _ environment: [String: String]) async throws -> [[Float]] {
        let picture = Fixtures.reference.appending(path: "preprocess/street_1920x1080.png").path
        let found = try await run(
            "watchword", ["embed", "--text", "a red circle", "--image", picture, "--precision", precision],
            environment: environment)
        #expect(found.code == 0, "\(found.err)")
        return try found.out.split(separator: "\n").map {
            let line = try WireCoding.decode(JSONValue.self, Data($0.utf8))
            guard case .array(let numbers) = line["embedding"] else { return [] }
            return numbers.compactMap { if case .number(let value) = $0 { Float(value) } else { nil } }
        }
    }

    @Test(
        "embeddings are the same with fewer of the CPU's instructions",
        arguments: [("f32", 0.999999), ("bf16", 0.9999), ("int8", 0.999)])
    func fewer(_ precision: String, _ nearest: Double) async throws {
        let all = try await embedded(precision, [:])
        let some = try await embedded(precision, ["DNNL_MAX_CPU_ISA": "AVX2"])
        #expect(all.count == 2 && some.count == 2)
        for (all, some) in zip(all, some) { #expect(all.count == 128 && cosine(all, some) >= nearest) }
        let doctor = try await run(
            "watchword", ["doctor"], environment: ["DNNL_MAX_CPU_ISA": "AVX2", "COLUMNS": "200"])
        #expect(doctor.out.contains("f32 by vectors, bf16 by vectors, int8 by oneDNN"), "\(doctor.out)")
    }
}
