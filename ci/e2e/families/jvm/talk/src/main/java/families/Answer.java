package families;

/** A tool's result: whether it is an error, and its text. */
public record Answer(boolean isError, String text) {}
