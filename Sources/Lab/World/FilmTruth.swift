/// The true events of a generated film, to be written as the JSON file `NAME.events.json`.
package struct FilmTruth: Sendable, Codable {
    package let video: String
    package let width, height, fps: Int
    package let duration: Double
    package let seed: UInt64
    package let asked: Double
    package let mayCut: Bool
    package let cuts: [Double]
    package let note: String
    package let events: [TrueEvent]

    private enum CodingKeys: String, CodingKey {
        case video, width, height, fps, note, events
        case duration = "duration_s"
        case seed = "world_seed"
        case asked = "asked_s"
        case mayCut = "may_cut"
        case cuts = "cuts_s"
    }

    /// Lists the events of a finite film; `asked` is the length in seconds that the user requested.
    package init(_ film: Film, video: String, seed: UInt64, asked: Double, mayCut: Bool) {
        self.video = video
        (width, height, fps) = (film.width, film.height, film.fps)
        duration = film.duration ?? 0
        (self.seed, self.asked, self.mayCut) = (seed, asked, mayCut)
        cuts = film.cuts.map { ($0 * 100).rounded() / 100 }
        note =
            "Point events (appear, disappear, change, lights_out, lights_on) have start_s == end_s. Captions are "
            + "canonical wordings that are true of the event, from the fullest to the vaguest."
        events = film.events
    }
}
