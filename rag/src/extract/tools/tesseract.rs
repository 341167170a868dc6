//! Calls Tesseract's shared library, which is used where the machine has it.
#![expect(unsafe_code, reason = "the functions of a C library")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};

use libloading::{Library, Symbol};

use super::Picture;

/// Names of the library, newest first.
const NAMES: [&str; 3] = ["libtesseract.so.5", "libtesseract.so.4", "libtesseract.so"];
/// The most languages that are tried at once. Each costs time.
const MAX_LANGUAGES: usize = 4;
/// Data that is no language.
const NO_LANGUAGES: [&str; 2] = ["osd", "equ"];

type Handle = *mut c_void;
type Init = unsafe extern "C" fn(Handle, *const c_char, *const c_char) -> c_int;
type SetImage = unsafe extern "C" fn(Handle, *const u8, c_int, c_int, c_int, c_int);

/// Tesseract with the data of its languages loaded.
pub struct Recogniser {
    library: Library,
    handle: Handle,
}

impl Drop for Recogniser {
    fn drop(&mut self) {
        let delete = self.function::<unsafe extern "C" fn(Handle)>(b"TessBaseAPIDelete\0");
        if let Some(delete) = delete.filter(|_| !self.handle.is_null()) {
            // SAFETY: the handle is not used any more.
            unsafe { delete(self.handle) };
        }
    }
}

impl Recogniser {
    /// Opens the library and loads the data of installed languages, English first; `None` where Tesseract or
    /// its data is not installed.
    pub fn open() -> Option<Self> {
        // SAFETY: Tesseract's initializers only set up its own state.
        let library = NAMES.iter().find_map(|name| unsafe { Library::new(*name) }.ok())?;
        // SAFETY: the type is that of the function in `tesseract/capi.h`.
        let handle =
            unsafe { library.get::<unsafe extern "C" fn() -> Handle>(b"TessBaseAPICreate\0").ok()?() };
        let recogniser = Self { library, handle };
        if handle.is_null() {
            return None;
        }
        let first = ["eng", "deu", "osd"].into_iter().find(|language| recogniser.init(language))?;
        let mut languages = recogniser.languages();
        languages.retain(|language| !NO_LANGUAGES.contains(&language.as_str()) && language != first);
        languages.sort();
        if first != "osd" {
            languages.insert(0, first.to_owned());
        }
        languages.truncate(MAX_LANGUAGES);
        (!languages.is_empty() && recogniser.init(&languages.join("+"))).then_some(recogniser)
    }

    /// The text in a picture.
    pub(in crate::extract) fn picture(&self, picture: &Picture<'_>) -> Option<String> {
        let &Picture { pixels, width, height, resolution } = picture;
        let line = width.checked_mul(4)?;
        if usize::try_from(line.checked_mul(height)?).ok()? != pixels.len() {
            return None;
        }
        let set_image: Symbol<'_, SetImage> = self.function(b"TessBaseAPISetImage\0")?;
        let set_resolution: Symbol<'_, unsafe extern "C" fn(Handle, c_int)> =
            self.function(b"TessBaseAPISetSourceResolution\0")?;
        // SAFETY: the buffer has `height` lines of `line` bytes and lives until the text is read.
        unsafe {
            set_image(self.handle, pixels.as_ptr(), width, height, 4, line);
            set_resolution(self.handle, resolution);
        }
        self.text()
    }

    /// The text in a file that Leptonica, on which Tesseract rests, reads.
    pub(super) fn file(&self, bytes: &[u8]) -> Option<String> {
        let read: Symbol<'_, unsafe extern "C" fn(*const u8, usize) -> Handle> =
            self.function(b"pixReadMem\0")?;
        let set_image: Symbol<'_, unsafe extern "C" fn(Handle, Handle)> =
            self.function(b"TessBaseAPISetImage2\0")?;
        let destroy: Symbol<'_, unsafe extern "C" fn(*mut Handle)> = self.function(b"pixDestroy\0")?;
        // SAFETY: the bytes outlive the call, which copies what it keeps.
        let mut picture = unsafe { read(bytes.as_ptr(), bytes.len()) };
        if picture.is_null() {
            return None;
        }
        // SAFETY: the picture lives until the text is read.
        unsafe { set_image(self.handle, picture) };
        let text = self.text();
        // SAFETY: the picture is not used any more.
        unsafe { destroy(&raw mut picture) };
        text
    }

    fn text(&self) -> Option<String> {
        let read: Symbol<'_, unsafe extern "C" fn(Handle) -> *mut c_char> =
            self.function(b"TessBaseAPIGetUTF8Text\0")?;
        let delete: Symbol<'_, unsafe extern "C" fn(*mut c_char)> = self.function(b"TessDeleteText\0")?;
        // SAFETY: a picture is set. The result is null or a string that ends with NUL.
        let text = unsafe { read(self.handle) };
        if text.is_null() {
            return None;
        }
        // SAFETY: as above; the string is copied before it is deleted.
        unsafe {
            let copy = CStr::from_ptr(text).to_string_lossy().into_owned();
            delete(text);
            Some(copy)
        }
    }

    fn init(&self, languages: &str) -> bool {
        let (Some(init), Ok(languages)) =
            (self.function::<Init>(b"TessBaseAPIInit3\0"), CString::new(languages))
        else {
            return false;
        };
        // SAFETY: a null path stands for the folder of the installation.
        unsafe { init(self.handle, std::ptr::null(), languages.as_ptr()) == 0 }
    }

    fn languages(&self) -> Vec<String> {
        type Names = unsafe extern "C" fn(Handle) -> *mut *mut c_char;
        let Some(names) = self.function::<Names>(b"TessBaseAPIGetAvailableLanguagesAsVector\0") else {
            return Vec::new();
        };
        let mut languages = Vec::new();
        // SAFETY: the result is a list of strings that ends with a null pointer. It is small and never freed.
        unsafe {
            let mut name = names(self.handle);
            while !name.is_null() && !(*name).is_null() {
                languages.push(CStr::from_ptr(*name).to_string_lossy().into_owned());
                name = name.add(1);
            }
        }
        languages
    }

    fn function<T>(&self, name: &[u8]) -> Option<Symbol<'_, T>> {
        // SAFETY: each caller names the type of the function in the headers of the library.
        unsafe { self.library.get(name) }.ok()
    }
}
