"""Vocabulary of form events: kinds of forms with their fields, information parts, validation errors.

Add a form kind, a field or an error here. No name belongs to one class: `ratchet/simulation/form_visits.py` draws
names, and `ratchet/simulation/traces.py` uses them.
"""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FORM_KINDS: dict[str, tuple[str, ...]] = {
    kind: _words(fields)
    for kind, fields in {
        "sign_up": (
            """first_name last_name email username password confirm_password display_name birth_year referral_code
            phone country time_zone security_question security_answer newsletter_opt_in captcha_answer accept_terms"""
        ),
        "checkout": (
            """email full_name street_address apartment city state postal_code country delivery_slot gift_message
            card_number card_expiry card_cvc name_on_card billing_same promo_code vat_id order_notes shipping_method"""
        ),
        "job_application": (
            """applicant_name email phone current_employer job_title years_of_experience highest_degree university
            graduation_year linkedin_url portfolio_url cover_letter desired_salary notice_period work_permit start_date
            reference_name reference_phone relocation skills"""
        ),
        "insurance_quote": (
            """policy_holder date_of_birth vehicle_make vehicle_model vehicle_year license_plate annual_mileage
            driver_license parking_location claims_history no_claims_years deductible coverage_level previous_insurer
            home_value smoker postal_code"""
        ),
        "loan": (
            """loan_amount loan_purpose loan_term monthly_income employment_status employer_name employed_since
            monthly_rent
            existing_debts credit_score iban ssn_last4 co_applicant dependents tax_number residence_status bank_name"""
        ),
        "booking": (
            """destination check_in check_out guests rooms room_type guest_name passport_number nationality arrival_time
            airline flight_number seat_preference meal_preference loyalty_number special_requests child_ages luggage"""
        ),
        "business_registration": (
            """company_name legal_form registration_number vat_number industry founding_date share_capital
            managing_director number_of_employees annual_revenue business_address trade_license website_url
            contact_person
            fiscal_year_end beneficial_owner bank_account"""
        ),
        "patient_intake": (
            """patient_name date_of_birth sex blood_type height weight allergies current_medication
            medical_history primary_physician insurance_provider insurance_member_id emergency_contact symptoms
            symptom_onset pain_level last_visit pharmacy"""
        ),
        "event_registration": (
            """attendee_name badge_name organization job_role email ticket_type dietary_needs t_shirt_size
            session_choice workshop arrival_day hotel_needed accessibility_needs invoice_address group_code
            speaker_bio"""
        ),
        "account_settings": (
            """current_password new_password repeat_password recovery_email backup_phone two_factor_code nickname
            bio avatar_url language notification_frequency default_currency session_timeout api_key_name linked_account
            privacy_level profile_slug"""
        ),
        "survey": (
            """satisfaction_score recommend_score favorite_feature missing_feature age_group household_size occupation
            usage_frequency purchase_reason improvement_ideas free_comment contact_permission education income_bracket
            survey_code region"""
        ),
        "support_contact": (
            """customer_number ticket_subject issue_category product_serial error_message steps_to_reproduce
            order_number purchase_date severity attachment_name callback_number preferred_contact_time operating_system
            software_version message contact_email"""
        ),
        "rental_application": (
            """tenant_name current_address move_in_date lease_length monthly_budget landlord_name
            landlord_phone number_of_occupants pets eviction_history guarantor_name guarantor_income parking_space
            previous_address reason_for_moving"""
        ),
        "admission": (
            """student_name student_id program_choice intake_term previous_school grade_average test_score
            language_certificate motivation_letter guardian_name guardian_email scholarship citizenship transcript_id
            recommender_email essay_title"""
        ),
        "donation": (
            """donation_amount donation_frequency donor_name donor_email dedicate_to tribute_message employer_match
            tax_receipt anonymous_gift account_holder routing_number mailing_address campaign_code"""
        ),
        "tax_filing": (
            """tax_year filing_status taxpayer_id gross_income deductions childcare_costs commuting_distance
            church_tax capital_gains pension_contributions refund_iban spouse_name home_office_days tax_class"""
        ),
        "visa": (
            """surname given_names place_of_birth passport_issue_date passport_expiry travel_purpose entry_date
            stay_length
            host_name host_address sponsor criminal_record previous_visa_number mother_name father_name
            fingerprint_consent"""
        ),
        "parcel": (
            """sender_name sender_zip recipient_name recipient_street recipient_zip parcel_weight parcel_length
            parcel_width parcel_height contents declared_value customs_code pickup_date insurance_value
            tracking_email"""
        ),
    }.items()
}
"""Kinds of forms, each with its fields in document order."""

OWNERS = _words("billing shipping home work second spouse partner company legal alternate primary")
"""Prefixes that real forms put before a field name: `billing_city`, `spouse_date_of_birth`."""

INFORMATION = _words(
    """pricing plans features shipping reviews terms faq warranty returns plan_comparison price_table shipping_options
    delivery_times return_policy cancellation_policy interest_rates fee_schedule coverage_details ticket_types
    room_rates
    testimonials specifications size_guide availability payment_options privacy_policy service_levels discounts
    bundle_offers
    monthly_vs_yearly refund_policy competitor_comparison case_studies eligibility benefits guarantee customer_ratings
    plan_selector plan_details price_calculator add_ons currency_switch photo_gallery opening_hours installation
    contract_length support_options trial_info upgrade_options store_locator tax_info data_sheet compare_table
    shipping_costs total_price price_summary installments"""
)
"""Information parts of a page. They are also fields of ordinary forms, so every class touches some of them."""

REASONS = _words(
    """required too_short too_long invalid_format taken mismatch invalid_date invalid_luhn out_of_range
    unsupported_country
    expired weak_password missing_special missing_uppercase missing_digit disposable_email not_a_number future_date
    past_date
    underage invalid_checksum unknown_code already_used blocked_domain invalid_postal_code invalid_phone invalid_iban
    invalid_characters whitespace_only not_found below_minimum above_maximum file_too_large invalid_url duplicate_entry
    unverified limit_reached mandatory_field bad_request_format incomplete"""
)
"""Validation errors of a form, the common ones first."""
COMMON_REASONS = 15
"""Number of common validation errors."""
