import CLIP
import Pixels
import Sampling
import Tensors

/// The embeddings that result from one new frame of a stream.
///
/// `newest` is the new frame's embedding. With 3D patches, an embedding also depends on the next frame: `completed`
/// then has the previous frame's embeddings, as an inner and as the first frame of a window. Without 3D patches,
/// `completed` is nil.
struct FrameEmbeddings {
    let newest: [Float]
    let completed: (inner: [Float], first: [Float])?
    /// True if the frame was embedded now; false if its picture is unchanged and kept its earlier embedding.
    let isNew: Bool
    /// The frame's picture, for float32; nil if windows are never scored again in float32.
    let held: HeldPicture?
}

/// Embeds the frames of all streams: the new pictures of a batch are embedded at once.
///
/// A picture that `ChangeGate` found unchanged keeps its embedding, except with 3D patches, where its neighbours
/// matter.
final class FrameEncoder {
    let images: ImageEncoder
    /// True if pictures are kept for float32, for as long as windows contain them.
    private let holdsPictures: Bool
    private var states: [String: StreamState] = [:]

    /// The encoder's state of one stream: its newest picture and embedding.
    private struct StreamState {
        var sequence: FrameSequence
        /// The number of the newest picture; `embedding` is nil until the batch with that picture is computed.
        var number: UInt64?
        var embedding: [Float]?
        var held: HeldPicture?
    }

    private enum Work {
        /// The frame keeps an embedding: the given one, of an earlier batch; if nil, that of an earlier frame of this
        /// batch.
        case known([Float]?, HeldPicture?)
        /// The frame's embedding is row `row` of the batch; if `completes`, two rows for the previous frame follow.
        case new(row: Int, completes: Bool, HeldPicture?)
    }

    init(_ images: ImageEncoder, holdsPictures: Bool) {
        self.images = images
        self.holdsPictures = holdsPictures
    }

    /// Embeds the frames with a usable picture, and returns their embeddings in order.
    ///
    /// After an error the frames are lost, and their streams start anew.
    func encode(_ items: [QueuedItem]) throws -> [FrameEmbeddings] {
        let linearPatch = images.architecture.vision.linearPatch
        var inputs: [FrameInContext] = []
        var work: [(stream: String, work: Work)] = []
        for item in items {
            // A black, frozen or blurred picture is not embedded, and later frames do not continue earlier ones.
            guard case .frame(let frame) = item.item, frame.health == .good else {
                states[item.stream] = nil
                continue
            }
            if frame.discontinuity { states[item.stream] = nil }
            var state = states[item.stream] ?? StreamState(sequence: FrameSequence(linearPatch))
            if linearPatch == .planar, state.number == frame.pictureNumber {
                work.append((item.stream, .known(state.embedding, state.held)))
                continue
            }
            let due = state.sequence.append(frame.picture)
            state.number = frame.pictureNumber
            state.embedding = nil
            state.held = holdsPictures ? HeldPicture(frame.picture) : nil
            states[item.stream] = state
            work.append((item.stream, .new(row: inputs.count, completes: due.completed != nil, state.held)))
            inputs.append(due.newest)
            if let completed = due.completed { inputs += [completed.inner, completed.first] }
        }
        do {
            let rows = inputs.isEmpty ? nil : try images.encode(inputs)
            func row(_ row: Int) -> [Float] { rows?.row(row) ?? [] }
            // The newest embeddings by stream. `states` cannot be used: a later item of this batch may have removed its
            // state.
            var latest: [String: [Float]] = [:]
            let embeddings = work.map { stream, work in
                switch work {
                case .known(let embedding, let held):
                    return FrameEmbeddings(
                        newest: embedding ?? latest[stream] ?? [], completed: nil, isNew: false, held: held)
                case .new(let first, let completes, let held):
                    let newest = row(first)
                    latest[stream] = newest
                    return FrameEmbeddings(
                        newest: newest, completed: completes ? (row(first + 1), row(first + 2)) : nil, isNew: true,
                        held: held)
                }
            }
            for (stream, embedding) in latest where states[stream]?.embedding == nil {
                states[stream]?.embedding = embedding
            }
            return embeddings
        } catch {
            for item in items { states[item.stream] = nil }
            throw error
        }
    }

    /// Removes a stream's state, so that its next frame does not continue an earlier one.
    func forget(_ stream: String) { states[stream] = nil }
}
