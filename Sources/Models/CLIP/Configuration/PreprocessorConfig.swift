import Foundation
package import Pixels

/// The preprocessing of a picture for the image tower: resizing and cropping, then normalisation of its channels.
package struct Preprocessing: Sendable, Equatable {
    package var framing: Framing
    package var normalisation: Normalisation

    package init(framing: Framing, normalisation: Normalisation = .clip) {
        (self.framing, self.normalisation) = (framing, normalisation)
    }
}

/// Reads Hugging Face's image processor: `preprocessor_config.json`, or `image_processor` in `processor_config.json`.
///
/// A key is applied as `CLIPImageProcessor` or `SiglipImageProcessor` applies it, or rejected with an error that names
/// it. Source: transformers `models/clip/image_processing_clip.py`, `image_processing_utils.py`.
package enum PreprocessorConfig {
    package static func parse(
        _ file: ModelFile, side: Int, family: Family = .clip, notes: inout [String]
    ) throws -> Preprocessing {
        try parse(try ModelJSON(file), side: side, family, notes: &notes)
    }

    /// Reads the `image_processor` object in `processor_config.json`, as transformers 5 writes it; nil without one.
    package static func nested(
        _ file: ModelFile, side: Int, family: Family = .clip, notes: inout [String]
    ) throws -> Preprocessing? {
        guard let json = try ModelJSON(file).object("image_processor") else { return nil }
        return try parse(json, side: side, family, notes: &notes)
    }

    private static func parse(
        _ json: ModelJSON, side: Int, _ family: Family, notes: inout [String]
    ) throws -> Preprocessing {
        let processors = family == .siglip ? ["SiglipImageProcessor"] : ["CLIPImageProcessor", "CLIPFeatureExtractor"]
        for key in ["image_processor_type", "feature_extractor_type"] {
            try json.expect(key, any: processors.flatMap { [$0, "\($0)Fast", "\($0)Pil"] })
        }
        for key in ["do_pad", "do_flip_channel_order", "do_thumbnail", "do_align_long_axis", "do_reduce_labels"] {
            try json.expect(key, false)
        }
        try json.expect("pad_size")
        try json.expect("data_format", "channels_first")
        let strange = json.unknown(knownKeys)
        for key in strange where key.split(separator: ".").last?.hasPrefix("do_") == true {
            let name = String(key.split(separator: ".").last ?? "")
            if try json.optional(name, as: Bool.self) ?? false { throw json.refuseUnknown(name) }
        }
        notes += strange.map { "\(json.path): the key \"\($0)\" is not known and is not heeded" }
        return Preprocessing(
            framing: try framing(json, side: side, family),
            normalisation: try normalisation(json, default: family.preprocessing(side: side).normalisation))
    }

    private static func framing(_ json: ModelJSON, side: Int, _ family: Family) throws -> Framing {
        guard try json.optional("do_resize", as: Bool.self) ?? true else {
            throw json.refusal("do_resize", "expected true, since frames have any size")
        }
        let fit = try size(json, default: family.preprocessing(side: side).framing.fit)
        var (length, isSquare) = (0, false)
        switch fit {
        case .shortest(let value): length = value
        case .squash(let value): (length, isSquare) = (value, true)
        case .longest: break
        }
        let crops = try json.optional("do_center_crop", as: Bool.self) ?? (family != .siglip)
        guard crops || isSquare else {
            throw json.refusal("do_center_crop", "expected true, since pictures of this size are not square")
        }
        let kept = crops ? try crop(json, side: side) : length
        guard kept == side else {
            throw json.refusal(
                crops ? "crop_size" : "size", "expected \(side), the side of the image tower's pictures")
        }
        guard length >= side else {
            throw json.refusal("size", "expected at least crop_size \(side)")
        }
        return Framing(side: side, fit: fit, filter: try filter(json), cropRounding: .down)
    }

    /// Returns the resize rule under the key `size`; `fit` is the default.
    ///
    /// The value may be a number, `{"shortest_edge"}`, or `{"height", "width"}` that are equal.
    private static func size(_ json: ModelJSON, default fit: Framing.Fit) throws -> Framing.Fit {
        guard let value = json.object["size"], !(value is NSNull) else { return fit }
        if let length = value as? Int {
            let isSquare = try json.optional("default_to_square", as: Bool.self) ?? false
            if (1...100_000).contains(length) { return isSquare ? .squash(length) : .shortest(length) }
        } else if let sizes = value as? [String: Any] {
            let lengths = sizes.compactMapValues { $0 as? Int }.filter { (1...100_000).contains($0.value) }
            if lengths.count == sizes.count {
                if sizes.count == 1, let length = lengths["shortest_edge"] { return .shortest(length) }
                if sizes.count == 2, let height = lengths["height"], height == lengths["width"] {
                    return .squash(height)
                }
            }
        }
        throw json.refusal("size", "expected a number, {\"shortest_edge\"}, or equal {\"height\", \"width\"}")
    }

    private static func crop(_ json: ModelJSON, side: Int) throws -> Int {
        guard let value = json.object["crop_size"], !(value is NSNull) else { return side }
        if let length = value as? Int { return length }
        if let sizes = value as? [String: Int], sizes.count == 2, let height = sizes["height"],
            height == sizes["width"]
        {
            return height
        }
        throw json.refusal("crop_size", "expected a number, or equal {\"height\", \"width\"}")
    }

    /// Returns the resize filter under the key `resample`: Pillow's number or a name; the default is bicubic.
    private static func filter(_ json: ModelJSON) throws -> Framing.Filter {
        let byNumber: [Int: Framing.Filter] = [1: .lanczos, 2: .bilinear, 3: .bicubic, 4: .box, 5: .hamming]
        guard let value = json.object["resample"], !(value is NSNull) else { return .bicubic }
        if let number = value as? Int, let filter = byNumber[number] { return filter }
        if let name = value as? String, let filter = Framing.Filter(rawValue: name.lowercased()) { return filter }
        throw json.refusal("resample", "expected 1 (Lanczos), 2 (bilinear), 3 (bicubic), 4 (box) or 5 (Hamming)")
    }

    /// Returns the mean and deviation of each channel, on a scale where pixel values are in 0...1.
    ///
    /// They combine the file's rescaling and normalisation into one step.
    private static func normalisation(_ json: ModelJSON, default standard: Normalisation) throws -> Normalisation {
        var factor = 255.0
        if try json.optional("do_rescale", as: Bool.self) ?? true {
            factor *= try json.optional("rescale_factor", as: Double.self) ?? 1 / 255
            // As a decimal number, 1/255 is rounded.
            if abs(factor - 1) < 1e-9 { factor = 1 }
            guard factor > 0, factor.isFinite else { throw json.refusal("rescale_factor", "expected above 0") }
        }
        let normalises = try json.optional("do_normalize", as: Bool.self) ?? true
        let said =
            normalises
            ? try Normalisation(json, mean: "image_mean", deviation: "image_std", default: standard)
            : Normalisation(mean: [0, 0, 0], deviation: [1, 1, 1])
        guard factor != 1 else { return said }
        return Normalisation(
            mean: said.mean.map { Float(Double($0) / factor) },
            deviation: said.deviation.map { Float(Double($0) / factor) })
    }

    private static let knownKeys: Set = [
        "_processor_class", "_valid_processor_keys", "crop_size", "data_format", "default_to_square", "device",
        "disable_grouping", "do_center_crop", "do_convert_rgb", "do_normalize", "do_pad", "do_rescale", "do_resize",
        "feature_extractor_type", "image_mean", "image_processor_type", "image_seq_length", "image_std",
        "input_data_format", "pad_size", "processor_class", "resample", "rescale_factor", "return_tensors", "size",
        "size_divisor", "do_flip_channel_order", "do_thumbnail", "do_align_long_axis", "do_reduce_labels",
    ]
}

extension Normalisation {
    /// Reads the keys `mean` and `deviation`: three numbers each, or one number for all three channels.
    ///
    /// Missing keys get the values of `standard`.
    init(_ json: ModelJSON, mean: String, deviation: String, default standard: Normalisation) throws {
        func channels(_ key: String, _ standard: [Float]) throws -> [Float] {
            if let level = json.object[key] as? Double { return [Float](repeating: Float(level), count: 3) }
            guard let values = try json.optional(key, as: [Double].self) else { return standard }
            guard values.count == 3 else { throw json.refusal(key, "expected 3 numbers") }
            return values.map(Float.init)
        }
        self.init(mean: try channels(mean, standard.mean), deviation: try channels(deviation, standard.deviation))
        guard self.deviation.allSatisfy({ $0 > 0 && $0.isFinite }) else {
            throw json.refusal(deviation, "expected numbers above 0")
        }
        guard self.mean.allSatisfy(\.isFinite) else { throw json.refusal(mean, "expected finite numbers") }
    }
}
