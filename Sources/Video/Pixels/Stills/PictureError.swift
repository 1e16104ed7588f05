/// The error for a picture's file that cannot be used; callers put the file's name before its message.
package struct PictureError: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
