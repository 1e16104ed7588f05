import CLIP
import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing

@Suite("Precisions of model families")
struct FamilyPrecisionTests {
    /// The limits are those of CLIP's own towers (`ProceduralTests`).
    ///
    /// int8 is not tested on text towers that are a few numbers wide: texts are embedded in float32 everywhere.
    @Test(
        "low precisions are near f32 in every family", arguments: FamilyCase.models,
        [(Precision.bf16, 0.999), (.int8, 0.99)])
    func lowPrecision(_ item: FamilyCase, _ bound: (Precision, Double)) throws {
        try item.withModel { model in
            let expected = try item.expected()
            let found = try item.features(model, bound.0)
            let d = model.architecture.embedding
            for (name, found) in [("image_features", found.images), ("text_features", found.texts)] {
                if bound.0 == .int8, name == "text_features", model.architecture.text.width < 32 { continue }
                let golden = try expected.floats(name)
                let cosines = stride(from: 0, to: golden.count, by: d).map {
                    cosine(found[$0..<$0 + d], golden[$0..<$0 + d])
                }
                #expect((cosines.min() ?? 0) >= bound.1, "\(name): \(cosines)")
            }
        }
    }

    /// The expected values follow the definitions of both GELUs, in double precision.
    @Test("GELU by tanh is its definition in every precision", arguments: [Precision.f32, .bf16, .int8])
    func tanhGELU(_ precision: Precision) throws {
        let inputs = (0..<256).map { Float($0 - 128) / 16 }
        let weight = (0..<64 * 64).map { Float($0 % 65 == 0 ? 1 : 0) }
        let layer = try Linear(
            name: "", weight: { weight }, bias: nil, inputs: 64, outputs: 64, activation: .tanhGELU,
            output: .activations, precision: precision, packed: nil)
        let (x, out, sums) = (Activations(columns: 64), Activations(columns: 64), Activations(columns: 64))
        x.convert(Matrix(inputs, columns: 64), as: layer.takes)
        try layer(x, into: out, scratch: sums)
        let wanted = inputs.map { x in
            let x = Double(x)
            return Float(0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x))))
        }
        let bound = precision == .f32 ? 1e-4 : precision == .bf16 ? 0.05 : 0.1
        #expect(worstExcess(out.values, wanted) <= bound)
    }
}
